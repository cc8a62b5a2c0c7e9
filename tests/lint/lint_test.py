"""Every linter can fail: small trees with one fault each, and the look-alikes that are none."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import layers
import sizes
import tidy
import tree
import words


class TreeTest(unittest.TestCase):
    """A temporary source tree."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def put(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def assert_one_fault(self, faults: list[str], part: str) -> None:
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(part, faults[0])


class LayersTest(TreeTest):
    def include(self, name: str, include: str) -> list[str]:
        self.put(name, f"#include {include}\n")
        return layers.faults_of(self.root)

    def test_an_arrow_to_the_left_is_fine(self) -> None:
        self.assertEqual(self.include("engine/ops/a.cc", '"engine/base/hash.h"'), [])

    def test_an_arrow_to_the_right_is_a_fault(self) -> None:
        faults = self.include("engine/ir/a.cc", '"engine/ops/registry.h"')
        self.assert_one_fault(faults, "engine/ir stands before engine/ops")

    def test_the_engine_includes_no_protobuf_and_no_server(self) -> None:
        self.assert_one_fault(self.include("engine/ir/a.cc", '"tensord/v1/graph.pb.h"'), "wire")
        self.put("engine/ir/a.cc", '#include "server/options.h"\n')
        self.assert_one_fault(layers.faults_of(self.root), "server")

    def test_an_unknown_engine_folder_is_a_fault(self) -> None:
        faults = self.include("engine/extra/a.cc", '"engine/base/hash.h"')
        self.assert_one_fault(faults, "engine/extra has no place")

    def test_one_device_does_not_include_another(self) -> None:
        faults = self.include("engine/device/llvm/a.cc", '"engine/device/cpu/interpret.h"')
        self.assert_one_fault(faults, "engine/device/cpu is reached through the registry")
        self.put("engine/device/llvm/a.cc", '#include "engine/device/device.h"\n')
        self.assertEqual(layers.faults_of(self.root), [])

    def test_the_server_reaches_the_engine_through_one_header(self) -> None:
        self.assertEqual(self.include("server/a.cc", '"engine/runtime/engine.h"'), [])
        faults = self.include("server/a.cc", '"engine/ir/node.h"')
        self.assert_one_fault(faults, "through engine/runtime/engine.h")

    def test_clients_know_the_protocol_only(self) -> None:
        faults = self.include("clients/cpp/a.cc", '"engine/types/dtype.h"')
        self.assert_one_fault(faults, "clients know the protocol only")

    def test_llvm_headers_are_in_two_files_at_most(self) -> None:
        self.put("engine/codegen/a.cc", "#include <llvm/IR/Module.h>\n")
        self.assertEqual(self.include("engine/device/llvm/a.cc", "<llvm-c/Orc.h>"), [])
        faults = self.include("engine/device/llvm/b.cc", "<llvm-c/Core.h>")
        self.assert_one_fault(faults, "in 3 files, at most 2")

    def test_opencl_headers_are_in_their_folder(self) -> None:
        self.assertEqual(self.include("engine/device/opencl/cl.h", "<CL/cl.h>"), [])
        faults = self.include("engine/device/cpu/a.cc", "<CL/cl.h>")
        self.assert_one_fault(faults, "OpenCL headers belong in engine/device/opencl/")

    def test_the_program_exits_with_1(self) -> None:
        self.put("engine/base/a.cc", '#include "engine/ir/node.h"\n')
        command = [sys.executable, layers.__file__, str(self.root)]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("layers: 1 faults", done.stdout)


class SizesTest(TreeTest):
    def names(self, code: str) -> list[tuple[str, int]]:
        return [(found.name, found.lines) for found in sizes.cpp_functions(code)]

    def test_a_file_over_500_lines_is_a_fault_unless_listed(self) -> None:
        self.put("engine/a.cc", "int x;\n" * 501)
        self.assert_one_fault(sizes.faults_of(self.root), "engine/a.cc: 501 lines, at most 500")
        self.put(sizes.ALLOW, "engine/a.cc a table\n")
        self.assertEqual(sizes.faults_of(self.root), [])

    def test_a_listed_file_needs_a_reason_and_must_be_long(self) -> None:
        self.put("engine/a.cc", "int x;\n" * 501)
        self.put(sizes.ALLOW, "engine/a.cc\n")
        self.assert_one_fault(sizes.faults_of(self.root), "has no reason")
        self.put("engine/a.cc", "int x;\n")
        self.put(sizes.ALLOW, "engine/a.cc a table\n")
        self.assert_one_fault(sizes.faults_of(self.root), "short enough now")

    def test_a_function_over_60_lines_is_a_fault_unless_listed(self) -> None:
        body = "  Step();\n" * 59
        self.put("engine/a.cc", f"namespace n {{\nint F(int a) {{\n{body}}}\n}}\n")
        self.assert_one_fault(sizes.faults_of(self.root), "engine/a.cc:2: F: 61 lines, at most 60")
        self.put(sizes.ALLOW, "engine/a.cc:F one switch over all ops\n")
        self.assertEqual(sizes.faults_of(self.root), [])

    def test_a_python_function_over_60_lines_is_a_fault(self) -> None:
        self.put("clients/a.py", "def f():\n" + "    step()\n" * 60)
        self.assert_one_fault(sizes.faults_of(self.root), "f: 61 lines")

    def test_types_namespaces_and_tables_are_no_functions(self) -> None:
        code = (
            "namespace a::b {\nstruct alignas(64) S : T<int(int)> {\n  int M() const {\n  }\n};\n"
            "constexpr Row kRows[] = {\n  {1, F(2)},\n};\nenum class E : int {\n  kA,\n};\n}\n"
        )
        self.assertEqual(self.names(code), [("M", 2)])

    def test_comments_strings_and_macros_hide_their_braces(self) -> None:
        code = (
            '#define M(x) \\\n  { x\nint F() {  // {\n  g("{\\"{"); /* { */ h(\'{\');\n'
            '  i(R"x({ " )x");\n  int n = 1\'000\'000;\n}\nint G() {\n}\n'
        )
        self.assertEqual(self.names(code), [("F", 5), ("G", 2)])

    def test_nested_blocks_and_lambdas_belong_to_their_function(self) -> None:
        code = (
            "C::C(int a)\n    : a_{a},\n      b_(0) {\n}\n"
            "void F() {\n  for (;;) {\n  }\n  auto f = [] {\n  };\n  struct L {\n  };\n}\n"
            "const auto g = [](int) {\n};\n"
        )
        self.assertEqual(sum(name == "F" for name, _ in self.names(code)), 1)
        self.assertIn(("F", 8), self.names(code))
        self.assertEqual(max(lines for _, lines in self.names(code)), 8)


class WordsTest(TreeTest):
    def test_promises_and_machine_paths_are_faults(self) -> None:
        for text in (
            "// TO" + "DO: later",
            "FIX" + "ME",
            "/wor" + "k/main/x",
            "cd /ro" + "ot/x",
        ):
            self.put("engine/a.cc", f"int x;\n{text}\n")
            self.assert_one_fault(words.faults_of(self.root), "engine/a.cc:2: ")

    def test_look_alikes_are_fine(self) -> None:
        self.put(
            "README.md",
            "mkdtemp(tensord-XXXX" + "XX), user-agent, build/wor" + "k/x, methods\n",
        )
        self.assertEqual(words.faults_of(self.root), [])

    def test_binary_hidden_and_built_files_are_left_alone(self) -> None:
        mark = "TO" + "DO"
        self.put("build/a.txt", mark)
        self.put(".git/a.txt", mark)
        self.put("data.bin", f"\0{mark}")
        self.assertEqual(words.faults_of(self.root), [])


@unittest.skipUnless(shutil.which("clang-format-19"), "clang-format-19 is not installed")
class FormatTest(TreeTest):
    def check(self) -> int:
        shutil.copy(tree.ROOT / ".clang-format", self.root)
        command = [str(tree.ROOT / "tests/lint/format.sh"), "--check", str(self.root)]
        return subprocess.run(command, capture_output=True).returncode

    def test_an_unformatted_file_is_a_fault(self) -> None:
        self.put("engine/a.cc", "int  x ;\n")
        self.assertNotEqual(self.check(), 0)
        self.put("engine/a.cc", "int x;\n")
        self.assertEqual(self.check(), 0)


@unittest.skipUnless(shutil.which("clang-tidy-19"), "clang-tidy-19 is not installed")
class TidyTest(TreeTest):
    def check(self, code: str) -> subprocess.CompletedProcess[str]:
        shutil.copy(tree.ROOT / ".clang-tidy", self.root)
        self.put("engine/base/a.cc", code)
        path = str(self.root / "engine/base/a.cc")
        entry = {"directory": str(self.root), "file": path, "command": f"c++ -c {path}"}
        self.put("build/compile_commands.json", json.dumps([entry]))
        command = [sys.executable, tidy.__file__, "--all"]
        command += ["--root", str(self.root), "--build", str(self.root / "build")]
        return subprocess.run(command, capture_output=True, text=True)

    def test_a_finding_is_a_fault(self) -> None:
        done = self.check("int f(int n) {\n  double half = n / 2;\n  return half < 1;\n}\n")
        self.assertIn("bugprone-integer-division", done.stdout)
        self.assertEqual(done.returncode, 1)

    def test_a_clean_file_is_none(self) -> None:
        done = self.check("int f(int n) { return n / 2; }\n")
        self.assertIn("1 files checked, 0 left for time, 0 with findings", done.stdout)
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
