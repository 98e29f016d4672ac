import { expect, test, vi } from "vitest";
import { demo } from "../../../sandbox/demo/command.ts";

test.each([
  [["--nonsense"]],
  [["--stay", "--port"]],
  [["--stay", "--port", "70000"]],
  [["--stay", "--port", "80", "more"]],
])("%j is not understood: the usage is shown, and nothing starts", async (argv) => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);

  const code = await demo(argv);

  expect(code).toBe(2);
  expect(written.mock.calls.join("")).toContain("Usage: eks-access demo");
  written.mockRestore();
});
