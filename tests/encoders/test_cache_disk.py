# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows on disk: shared, checked, and whole whatever happens to a process that writes them."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from imug_metrics.encoders.cache import DiskCache, Key

WIDTH = 64


def key(number: int, fingerprint: str = "model", kind: str = "image") -> Key:
    return Key(fingerprint, kind, number.to_bytes(16, "big"))


def row(number: int) -> torch.Tensor:
    return torch.arange(WIDTH, dtype=torch.float32) + number


def rows(numbers, **where) -> dict[Key, torch.Tensor]:
    return {key(number, **where): row(number) for number in numbers}


def same(found: dict[Key, torch.Tensor], numbers) -> bool:
    return found.keys() == {key(n) for n in numbers} and all(torch.equal(found[key(n)], row(n)) for n in numbers)


@pytest.fixture
def cache(tmp_path):
    return DiskCache(tmp_path / "cache")


def test_rows_come_back_exactly_in_another_run(cache):
    cache.put(rows(range(5)))
    assert same(DiskCache(cache.folder).get([key(n) for n in range(7)]), range(5))


def test_types_and_widths_are_kept(cache):
    given = {key(1): torch.rand(3).half(), key(2): torch.rand(5), key(3, kind="text"): torch.tensor([1.0, torch.nan])}
    cache.put(given)
    found = cache.get(list(given))
    assert all(
        torch.equal(found[k].nan_to_num(9), v.nan_to_num(9)) and found[k].dtype == v.dtype for k, v in given.items()
    )


def test_encoders_and_kinds_do_not_share_rows(cache):
    cache.put(rows([1]))
    assert cache.get([key(1, "other"), key(1, kind="text")]) == {}


def test_more_keys_than_fit_into_one_query_are_found(cache):
    cache.put(rows(range(1201)))
    assert len(cache.get([key(n) for n in range(1201)])) == 1201


def test_what_is_there_stays_as_it_is(cache):
    cache.put(rows([1]))
    cache.put({key(1): row(99)})
    assert same(cache.get([key(1)]), [1])


def damage(path, place, value=0xFF):
    content = bytearray(path.read_bytes())
    content[place] ^= value
    path.write_bytes(content)


def test_a_flipped_bit_drops_one_row_and_no_other(cache):
    cache.put(rows(range(4)))
    (shard,) = cache.shards.iterdir()
    damage(shard, -1)
    assert same(cache.get([key(n) for n in range(4)]), range(3))
    cache.put(rows([3]))
    assert same(cache.get([key(n) for n in range(4)]), range(4)), "made again, kept again"


@pytest.mark.parametrize("ruin", ["cut", "header", "gone", "empty"])
def test_a_ruined_shard_drops_its_rows_and_no_others(cache, ruin):
    cache.put(rows([1, 2]))
    (shard,) = cache.shards.iterdir()
    cache.put(rows([3]))
    if ruin == "gone":
        shard.unlink()
    elif ruin == "header":
        damage(shard, 9)
    else:
        shard.write_bytes(shard.read_bytes()[: 0 if ruin == "empty" else 100])
    assert same(cache.get([key(n) for n in (1, 2, 3)]), [3])
    assert sum(part.rows for part in cache.usage()) == 1


def test_a_ruined_index_is_set_aside_and_begun_anew(cache):
    cache.put(rows([1]))
    (cache.folder / "index.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        cache.get([key(1)])
    assert cache.get([key(1)]) == {}
    cache.put(rows([1]))
    assert same(cache.get([key(1)]), [1])


def test_clear_forgets_one_encoder_or_all_and_removes_files(cache):
    cache.put(rows([1, 2]))
    cache.put(rows([3], fingerprint="other"))
    assert cache.clear("other") == 1
    assert same(cache.get([key(1), key(2)]), [1, 2])
    assert len(list(cache.shards.iterdir())) == 1
    assert cache.clear() == 2
    assert list(cache.shards.iterdir()) == []


def test_clear_removes_what_dead_processes_left_and_nothing_that_may_be_in_use(cache):
    cache.put(rows([1]))
    stale, fresh, orphan = (cache.shards / name for name in (".stale.safetensors", ".fresh.safetensors", "orphan"))
    for path in (stale, fresh, orphan):
        path.write_bytes(b"")
    os.utime(stale, (0, 0))
    cache.clear("nobody")
    assert {path.name for path in cache.shards.iterdir()} - {".fresh.safetensors"} == {
        location.shard for location in cache._locations([key(1)]).values()
    }
    assert fresh.exists()


def test_export_writes_one_file_of_tensors_and_digests(cache, tmp_path):
    cache.put(rows([1, 2]))
    cache.put(rows([3], kind="text"))
    cache.put(rows([4], fingerprint="other"))
    assert cache.export(tmp_path / "out.safetensors", "model") == 3
    with safe_open(tmp_path / "out.safetensors", "pt") as file:
        digests, metadata = json.loads(file.metadata()["model/image"]), file.metadata()
        assert set(file.keys()) == set(metadata) == {"model/image", "model/text"}
        for place, digest in enumerate(digests):
            assert torch.equal(file.get_tensor("model/image")[place], row(int(digest, 16)))
    assert cache.export(tmp_path / "all.safetensors") == 4


def write_on(folder, first, told):
    """Put shards of rows until killed, and say after each which is in."""
    cache = DiskCache(folder)
    for step in range(first, first + 10**6, 10):
        cache.put(rows(range(step, step + 10)))
        os.write(told, step.to_bytes(8, "little"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_killed_while_writing_twenty_times_nothing_that_was_kept_is_lost_or_wrong(cache):
    chance, kept, started = random.Random(0), [], 0
    for attempt in range(20):
        reader, writer = os.pipe()
        process = multiprocessing.get_context("fork").Process(target=write_on, args=(cache.folder, started, writer))
        process.start()
        os.close(writer)
        told = os.read(reader, 8)  # the first shard is in
        time.sleep(chance.random() * 0.02)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        while block := os.read(reader, 8):
            told += block
        os.close(reader)
        steps = [int.from_bytes(told[at : at + 8], "little") for at in range(0, len(told), 8)]
        assert steps, attempt
        kept += [number for step in steps for number in range(step, step + 10)]
        started = steps[-1] + 10
    asked = range(started + 10)  # of the last write some may be in and nobody was told
    found = cache.get([key(number) for number in asked])
    assert set(kept) <= {int.from_bytes(k.digest, "big") for k in found}
    assert all(torch.equal(value, row(int.from_bytes(k.digest, "big"))) for k, value in found.items())


def write_some(folder, begin):
    DiskCache(folder).put(rows(range(begin, begin + 30)))
    for number in range(begin, begin + 10):
        DiskCache(folder).put(rows([number, 1000 + number]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_processes_write_the_same_folder_at_once(cache):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=write_some, args=(cache.folder, begin)) for begin in (0, 10, 20)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    wanted = [*range(50), *range(1000, 1030)]
    assert same(cache.get([key(number) for number in wanted]), wanted)


def test_rows_that_another_process_has_kept_leave_no_file(tmp_path):
    cache, some = DiskCache(tmp_path), {Key("model", "image", bytes([n])): torch.full((4,), float(n)) for n in range(3)}
    cache.put(some)
    cache.put(some)
    assert len(list(cache.shards.iterdir())) == 1
    cache.put({**some, Key("model", "image", b"new"): torch.ones(4)})
    assert len(list(cache.shards.iterdir())) == 2
    assert cache.get(list(some)).keys() == some.keys()


def test_a_disk_that_fills_up_keeps_no_half_file(tmp_path, monkeypatch):
    cache, key = DiskCache(tmp_path), Key("model", "image", b"one")

    def full(path, content):
        with path.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            cache.put({key: torch.ones(4)})
    assert list(cache.shards.iterdir()) == []
    assert cache.get([key]) == {}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_row_is_read_alone_whatever_its_shard_holds(tmp_path, dtype):
    cache = DiskCache(tmp_path)
    rows = {
        Key("model", kind, bytes([n])): torch.randn(n % 3 + 1).to(dtype)
        for kind in ("image", "pixels")
        for n in range(9)
    }
    cache.put(rows)
    for key, row in rows.items():
        found = cache.get([key])[key]
        assert found.dtype == dtype
        assert torch.equal(found, row)


def test_a_damaged_length_of_a_header_is_only_a_damaged_shard(tmp_path):
    cache, key = DiskCache(tmp_path), Key("model", "image", b"one")
    cache.put({key: torch.ones(4)})
    (shard,) = cache.shards.iterdir()
    shard.write_bytes(b"\xff" * 8 + shard.read_bytes()[8:])
    assert cache.get([key]) == {}
    assert cache.usage() == []
