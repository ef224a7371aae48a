import pytest

from layers.errors import FileUnreadable
from layers.exchange.uploads import NAME_BYTES_MAX, uploaded_name


@pytest.mark.parametrize("name", ["a\0b.zip", "a\tb.zip", "网" * NAME_BYTES_MAX + ".zip"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(FileUnreadable, match="shorter, plain name"):
        uploaded_name(name)
