"""The compiled twin of :mod:`gis.exact`: the very same functions."""

from gis import exact
from gis.compiled.jit import twin_of

two_sum = twin_of(exact.two_sum)
two_product = twin_of(exact.two_product)
terms = twin_of(exact.terms, two_product=two_product)
sign_of_sum = twin_of(exact.sign_of_sum, two_sum=two_sum)
side = twin_of(exact.side, terms=terms, sign_of_sum=sign_of_sum)
