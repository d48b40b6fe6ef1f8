"""A plugin for buf: messages for Python, with their types, that live inside one package.

protoc writes imports after the path of the .proto file. A package that carries its own messages
needs them relative, so that they meet nobody else's. The files of one .proto package are put
flat into the output directory.
"""

import re
import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

ABSOLUTE_IMPORT = re.compile(r"^from gravitas\.telemetry\.v1 import (\w+) as (\w+)$", re.MULTILINE)


def generate(request: plugin_pb2.CodeGeneratorRequest) -> plugin_pb2.CodeGeneratorResponse:
    response = plugin_pb2.CodeGeneratorResponse(
        supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    )
    response.file.add(name="__init__.py", content='"""Generated from the contract in proto/."""\n')
    with tempfile.TemporaryDirectory() as folder:
        descriptors = Path(folder, "descriptors.bin")
        descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out = Path(folder, "out")
        out.mkdir()
        arguments = [f"--descriptor_set_in={descriptors}", f"--python_out={out}", f"--pyi_out={out}"]
        if protoc.main(["protoc", *arguments, *request.file_to_generate]) != 0:
            response.error = "protoc failed; its message is above"
        for path in sorted(out.rglob("*.py*")):
            content = ABSOLUTE_IMPORT.sub(r"from . import \1 as \2", path.read_text())
            response.file.add(name=path.name, content=content)
    return response


if __name__ == "__main__":
    parsed = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(generate(parsed).SerializeToString())
