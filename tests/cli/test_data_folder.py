"""The data folder's lock: one process at a time, no trace of a crashed one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from opportune.errors import BadRequestError, DataFolderBusyError
from opportune.process.data_folder import DataFolder


def test_a_second_lock_is_refused_and_names_the_holder(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    with folder.lock(), pytest.raises(DataFolderBusyError) as caught:
        folder.lock(wait_seconds=0)
    assert str(os.getpid()) in str(caught.value)


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.lock().release()
    with folder.lock(wait_seconds=0) as lock:
        assert lock.announce() == tmp_path / "control.sock"


def test_what_a_crashed_server_left_is_harmless(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(f"999999\n{tmp_path / 'control.sock'}")
    folder = DataFolder(tmp_path)
    assert folder.find_socket() is None
    with folder.lock(wait_seconds=0):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_commands_find_the_socket_of_the_running_server(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with folder.lock() as lock, socket.socket(socket.AF_UNIX) as listener:
        assert folder.find_socket() is None
        listener.bind(str(lock.announce()))
        assert folder.find_socket() == tmp_path / "control.sock"
        assert folder.find_url() == ""
        lock.announce("http://127.0.0.1:8411")
        assert folder.find_url() == "http://127.0.0.1:8411"
    assert folder.find_url() == ""


def test_a_deep_folder_gets_a_socket_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("very" * 20) / ("deep" * 20)
    with DataFolder(deep).lock() as lock, socket.socket(socket.AF_UNIX) as listener:
        path = lock.announce()
        listener.bind(str(path))
        assert DataFolder(deep).find_socket() == path
    path.unlink()
    path.parent.rmdir()


def test_the_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "new")
    folder.make()
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert not folder.exists


def test_a_file_in_its_place_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(BadRequestError, match="cannot be made"):
        DataFolder(tmp_path / "data").lock()
