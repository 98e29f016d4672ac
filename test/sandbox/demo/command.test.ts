import { expect, test, vi } from "vitest";
import { demo } from "../../../sandbox/demo/command.ts";

test.each([
  [["--nonsense"], "Unknown option '--nonsense'.\n"],
  [["--stay", "--port"], "Option '--port <value>' argument missing.\n"],
  [["--stay", "--port", "70000"], "70000 is no port.\n"],
  [["--port", "abc"], "abc is no port.\n"],
  [["--stay", "--port", "80", "more"], "Unexpected argument 'more'.\n"],
])("%j is not understood: it says why, with the usage, and nothing starts", async (argv, why) => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);

  const code = await demo(argv);

  expect(code).toBe(2);
  expect(written.mock.calls.join("")).toMatch(new RegExp(`^eks-access demo: ${why}\nUsage: eks-access demo`));
  written.mockRestore();
});
