"""The forms of /desk/editions, as a browser sends them."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import serve_with
from tests.api.routers.test_editions import frame, geojson


@pytest.fixture
def draft(client: TestClient) -> TestClient:
    """The service with a draft beside the edition in force."""
    sent = client.post("/desk/editions?lang=en", files={"file": ("new.geojson", geojson(frame(2)))},
                       data={"code": "CODE"})  # fmt: skip
    assert sent.url.path == "/desk/editions/2"
    return client


def publish(client: TestClient, **more: object) -> tuple[int, str]:
    form = {"sure": "yes", "reason": "as the surveyors say", **more}
    answer = client.post("/desk/editions/2/publish?lang=en", data=form)
    return answer.status_code, answer.text


def status(client: TestClient) -> str:
    return client.get("/editions/2").json()["status"]


def test_a_draft_is_not_published_over_an_edition_that_nobody_compared_it_with(
    draft: TestClient,
) -> None:
    assert 'name="against" value="1"' in draft.get("/desk/editions/2").text
    code, page = publish(draft, against=7)
    assert (code, status(draft)) == (409, "checked")
    assert "Look again at what would move" in page
    assert publish(draft, against=1)[0] == 200
    assert status(draft) == "published"


def test_whoever_is_not_sure_publishes_nothing(draft: TestClient) -> None:
    code, page = publish(draft, sure="")
    assert (code, status(draft)) == (422, "checked")
    assert "Nothing was published" in page


@pytest.mark.parametrize("name", ["网" * 90 + ".geojson", "notes.txt", "grids.shp"])
def test_a_name_that_no_file_can_have_is_refused_in_words(client: TestClient, name: str) -> None:
    sent = client.post("/desk/editions?lang=en", files={"file": (name, geojson(frame()))})
    assert sent.status_code == 422
    assert 'role="alert"' in sent.text
    assert len(client.get("/editions").json()["editions"]) == 1


def send(client: TestClient, content: bytes, language: str = "zh", **form: str) -> str:
    sent = client.post(
        f"/desk/editions?lang={language}",
        files={"file": ("new.geojson", content)},
        data={"code": "CODE", **form},
    )
    assert 'lang="' in sent.text
    return f"{sent.status_code} {sent.text}"


def test_a_file_that_is_too_large_is_refused_on_the_page_and_by_the_api(
    town_url: str,
) -> None:
    with serve_with(town_url, upload_bytes_max=500) as client:
        for language, words in (
            ("zh", "文件太大：最多接受 500 字节"),
            ("en", "The file is too large"),
        ):
            page = send(client, geojson(frame(2)) * 2, language)
            assert page.startswith("413")
            assert words in page
        answer = client.post("/editions?file=new.geojson", content=b"x" * 501)
        assert answer.status_code == 413
        assert "LIANXIN_UPLOAD_BYTES_MAX" in answer.json()["detail"]
        assert client.post("/cases", content=b"x" * 600).status_code != 413


def test_a_form_without_a_file_or_with_nonsense_is_refused_in_words(client: TestClient) -> None:
    assert "请先选择文件" in client.post("/desk/editions?lang=zh", data={"code": "a"}).text
    assert "表单有误" in send(client, geojson(frame()), codes="nonsense")


def test_rows_that_became_no_grid_are_listed_with_their_reason(client: TestClient) -> None:
    rows = frame(3)
    rows.loc[2, "CODE"] = "77"
    page = send(client, geojson(rows))
    assert page.startswith("201")
    assert "编码 77 不符合国家编码规则" in page
    assert 'href="/desk/editions/2?lang=zh"' in page


@pytest.mark.parametrize("act", ["", "/publish", "/check", "/restore", "/discard"])
def test_an_edition_that_is_not_there_is_a_page_in_words(client: TestClient, act: str) -> None:
    ask: Callable[..., object] = client.post if act else client.get
    answer = ask(f"/desk/editions/99{act}?lang=zh")
    assert (answer.status_code, "没有版本 99" in answer.text) == (404, True)  # type: ignore[attr-defined]


def test_a_stale_publication_is_refused_in_chinese_too(draft: TestClient) -> None:
    form = {"sure": "yes", "reason": "x", "against": 7}
    answer = draft.post("/desk/editions/2/publish?lang=zh", data=form)
    assert (answer.status_code, status(draft)) == (409, "checked")
    assert "现在生效的是版本 1，不再是您比较时的版本 7" in answer.text


def test_a_draft_is_checked_again_and_discarded(draft: TestClient) -> None:
    assert draft.post("/desk/editions/2/check?lang=zh").url.path == "/desk/editions/2"
    kept = draft.post("/desk/editions/2/discard?lang=zh")
    assert (kept.status_code, "没有删除" in kept.text) == (422, True)
    gone = draft.post("/desk/editions/2/discard?lang=zh", data={"sure": "yes"})
    assert gone.url.path == "/desk/editions"
    assert len(draft.get("/editions").json()["editions"]) == 1


def test_an_edition_that_has_ended_is_made_a_draft_again(draft: TestClient) -> None:
    publish(draft, against=1)
    assert 'id="restore"' in draft.get("/desk/editions/1").text
    made = draft.post("/desk/editions/1/restore?lang=en")
    assert made.url.path == "/desk/editions/3"
    assert 'id="publish"' in made.text


def test_who_answers_for_a_grid_is_on_the_page(draft: TestClient) -> None:
    page = draft.get("/desk/editions/2?lang=zh").text
    assert "张三 → 无人" in page
    assert "没有一个网格有人负责" in page
