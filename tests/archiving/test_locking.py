"""One archive at a time writes to a folder, or its shards together."""

import os

import pytest

from sarcodec.archiving.locking import ArchiveLock
from sarcodec.archiving.names import Shard
from sarcodec.errors import InvalidArgument

WHOLE, FIRST, SECOND = Shard(), Shard(1, 2), Shard(2, 2)


@pytest.mark.parametrize("first, second", [(WHOLE, WHOLE), (WHOLE, FIRST), (FIRST, WHOLE), (FIRST, FIRST)])
def test_a_second_archive_is_refused(tmp_path, first, second):
    with ArchiveLock(tmp_path, first) as held:
        assert held.locks
        with pytest.raises(InvalidArgument, match=f"another archive is writing to .*process {os.getpid()} on"):
            ArchiveLock(tmp_path, second)
    ArchiveLock(tmp_path, second).close()


def test_shards_work_beside_each_other(tmp_path):
    with ArchiveLock(tmp_path, FIRST), ArchiveLock(tmp_path, SECOND):
        pass
