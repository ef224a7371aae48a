"""The order in which places are numbered."""

import numpy as np

from gis.geometry import Degrees, Positions


def reading_order(lon: Degrees, lat: Degrees) -> Positions:
    """Return the order of places as one reads: in bands from the north, each west to east.

    Parameters
    ----------
    lon, lat : ndarray of float, shape (n,)
        Degrees. There are about √n bands of equally many places.

    Returns
    -------
    ndarray of intp, shape (n,)

    Examples
    --------
    >>> reading_order(np.array([2.0, 1.0, 2.0, 1.0]), np.array([1.0, 1.0, 2.0, 2.0])).tolist()
    [3, 2, 1, 0]
    """
    count = len(lon)
    bands = max(1, round(count**0.5))
    band = np.empty(count, dtype=np.intp)
    band[np.lexsort([lon, -lat])] = np.arange(count) * bands // max(count, 1)
    return np.lexsort([lat, lon, band]).astype(np.intp)
