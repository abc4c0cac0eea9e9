"""Files and folders that appear whole or not at all and take the place of nothing that is not bnnhw's own."""

from bnnhw.files.digests import LATER, digest, file_digest, package_digest
from bnnhw.files.folder import OutputFolder, whole_directory
from bnnhw.files.inputs import Output, check_apart
from bnnhw.files.seal import SEALED, check_output, is_seal, seal, sealed
from bnnhw.files.temporary import locked, new_folders, scratch
from bnnhw.files.whole import plain, read_json, whole_file, write_json, write_text, write_whole

__all__ = [
    "LATER",
    "SEALED",
    "Output",
    "OutputFolder",
    "check_apart",
    "check_output",
    "digest",
    "file_digest",
    "is_seal",
    "locked",
    "new_folders",
    "package_digest",
    "plain",
    "read_json",
    "scratch",
    "seal",
    "sealed",
    "whole_directory",
    "whole_file",
    "write_json",
    "write_text",
    "write_whole",
]
