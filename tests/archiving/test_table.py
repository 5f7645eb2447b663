"""The table keeps rows as they are, and says what is wrong with a file that it cannot be."""

import sqlite3

import pytest

from sarcodec.archiving.table import DONE, REFUSED, Row, Table
from sarcodec.errors import InvalidArgument

ROW = Row(
    output="a/b.sarc",
    source="/in/a/b.tif",
    state=DONE,
    tries=2,
    bytes_in=10,
    bytes_out=3,
    rmse_db=0.25,
    head="ab",
    promised="quality 60",
    deleted=True,
)
ODD = Row(output="\udce8.sarc", source="/in/\udce8.tif", state=REFUSED, error="complex", exit_code=3)


@pytest.mark.parametrize("locks", [True, False])
def test_rows_come_back(tmp_path, locks):
    with Table(tmp_path / "t.sqlite", locks=locks) as table:
        table.put(ROW)
        table.put(ODD)
    with Table(tmp_path / "t.sqlite", locks=locks) as table:
        assert table.get("a/b.sarc") == ROW and table.get("\udce8.sarc") == ODD and table.get("c.sarc") is None
        assert sorted(table, key=lambda row: row.output) == [ROW, ODD]
    assert [path.name for path in tmp_path.iterdir()] == ["t.sqlite"]


def test_others_may_read_while_it_is_written(tmp_path):
    with Table(tmp_path / "t.sqlite") as table:
        table.put(ROW)
        table.commit()
        table.put(ODD)
        with Table(tmp_path / "t.sqlite", read_only=True) as reader:
            assert list(reader) == [ROW]


def test_rows_of_a_shard_are_taken_where_there_is_none(tmp_path):
    with Table(tmp_path / "shard.sqlite") as shard:
        shard.put(Row(output="a/b.sarc", source="", state=REFUSED))
        shard.put(ODD)
    with Table(tmp_path / "t.sqlite") as table:
        table.put(ROW)
        table.adopt(tmp_path / "shard.sqlite")
        assert sorted(table, key=lambda row: row.output) == [ROW, ODD]


def test_the_first_value_stays(tmp_path):
    with Table(tmp_path / "t.sqlite") as table:
        assert table.settle("options", "a") == "a"
    with Table(tmp_path / "t.sqlite") as table:
        assert table.settle("options", "b") == "a"


def _later(path):
    base = sqlite3.connect(path)
    base.execute("PRAGMA user_version=3")
    base.close()


def _of_others(path):
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE birds(name)")
    base.close()


@pytest.mark.parametrize(
    "make, says",
    [
        (_later, "later release"),
        (_of_others, "no table of an archive"),
        (lambda path: path.write_bytes(b"no database" * 100), "damaged .* move it away"),
        (lambda path: path.mkdir(), "cannot write"),
    ],
)
def test_files_that_are_no_table(tmp_path, make, says):
    make(tmp_path / "t.sqlite")
    with pytest.raises(InvalidArgument, match=says):
        Table(tmp_path / "t.sqlite")


def test_a_table_of_version_1_is_read_and_taken_on(tmp_path):
    path = tmp_path / "t.sqlite"
    with Table(path) as table:
        table.put(Row(output="a.sarc", source="/a.tif", state="done"))
    base = sqlite3.connect(path)
    base.execute("ALTER TABLE scenes DROP COLUMN tag")
    base.execute("DROP TABLE items")
    base.execute("PRAGMA user_version=1")
    base.commit()
    base.close()
    with Table(path, read_only=True) as table:
        assert [row.tag for row in table] == [None]
    with Table(path) as table:
        table.put(Row(output="b.sarc", source="/b.tif", state="done", head="12", tag="e"))
        table.put_item("b.sarc", "12", "{}")
        assert [row.tag for row in table] == [None, "e"] and list(table.items()) == [("12", "{}")]
