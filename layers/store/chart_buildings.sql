-- Buildings under a path; the empty path is everything, what no grid owns included.
SELECT code, name, address, grid_code, ST_AsBinary(outline) AS wkb
FROM buildings
WHERE :prefix = '' OR path ^@ :prefix
ORDER BY code
