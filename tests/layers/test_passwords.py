import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import passwords
from layers.errors import PasswordRefused
from layers.passwords import check_password, hash_password, random_password, verify_password
from tests.layers.signing_in import quick_hashes


@pytest.mark.parametrize(
    "password",
    [
        "short enough", "小红帽去看外婆带着蛋糕了", "correct horse battery staple",
        "x" * 11 + "yzabc",
        "        spaces count too", "k7qd-9mwx-2hfp",
    ],
)  # fmt: skip
def test_any_kind_of_character_will_do(password: str) -> None:
    check_password(password, "worker", "张三")


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "P@ssw0rd2026!", "qwertyuiop12", "123456789012", "aaaaaaaaaaaa",
        "worker-worker-1", "Lianxin2026!!", "连心连心连心连心连心连心", "zhangsan20260501",
        "ｐａｓｓｗｏｒｄ１２３４",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused, match="guessed first") as refused:
        check_password(password, "worker", "zhangsan")
    assert password not in str(refused.value)


def test_the_length_is_that_of_what_is_hashed() -> None:
    with pytest.raises(PasswordRefused, match="fewer than 12"):
        check_password("eleven char", "worker")
    check_password("夏" * 3 + "秋天的风吹过草原" + "abcdef", "worker")
    check_password("words " * 40, "worker")
    with pytest.raises(PasswordRefused, match="more than 256"):
        check_password("words " * 50, "worker")


@given(st.text(min_size=1, max_size=40))
def test_a_password_opens_its_own_hash(password: str) -> None:
    with quick_hashes():
        stored = hash_password(password)
        assert stored.startswith("$argon2id$")
        assert verify_password(stored, password)
        assert not verify_password(stored, password + "x")
        assert not verify_password(None, password)


def test_full_width_letters_are_the_same_password() -> None:
    with quick_hashes():
        assert verify_password(hash_password("ｂｌｕｅ　ｌａｍｐ　２２"), "blue lamp 22")


def test_hashes_cost_what_rfc_9106_says() -> None:
    hasher = passwords.HASHER
    assert (hasher.memory_cost, hasher.time_cost) == (64 * 1024, 3)


def test_random_passwords_are_taken_and_differ() -> None:
    made = {random_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        check_password(password, "worker")
