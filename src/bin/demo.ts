import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const sandbox = fileURLToPath(new URL("../../sandbox/demo/main.ts", import.meta.url));

/** `eks-access demo`: runs the sandbox of a clone in a process of its own. An installed eks-access has no sandbox. */
export async function demo(argv: readonly string[]): Promise<number> {
  if (!existsSync(sandbox)) {
    process.stderr.write("eks-access demo: the demo is not installed. Clone the repository and run `npm run demo`.\n");
    return 2;
  }
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), sandbox, ...argv], {
    stdio: "inherit",
  });
  // A terminal sends Ctrl-C to both processes: this one waits until the sandbox has stopped what it started.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  const [code] = await once(child, "exit");
  return typeof code === "number" ? code : 1;
}
