import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { startupSnapshot } from "node:v8";
import { Script } from "node:vm";
import type { runLine } from "../src/bin/commands.ts";

/**
 * Runs `eks-access` from the bundle beside this file, with the code that V8 kept when `keepCode` ran it before: compiling is half
 * of what a start costs. It is what Node 22 offers as its compile cache, for a Node that has none.
 */
function run(): Promise<number> {
  if (process.env.NODE_OPTIONS?.includes("--import")) throw new Error("A snapshot imports nothing: use --require.");
  const [, self = "", ...argv] = process.argv;
  const bundle = join(dirname(self), "commands.cjs");
  const code = `${bundle}.${argv[0]}.code`;
  const script = new Script(readFileSync(bundle, "latin1"), {
    filename: bundle,
    ...(existsSync(code) && { cachedData: readFileSync(code) }),
  });
  if (process.env.KEEP_CODE) process.on("exit", () => writeFileSync(code, script.createCachedData()));

  // Zod compiles a function for each schema, which pays off after minutes: a tenth of what a short process does.
  Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });

  const module: { exports: unknown } = { exports: {} };
  script.runInThisContext()(module, createRequire(bundle), pathToFileURL(bundle).href);
  return (module.exports as { runLine: typeof runLine }).runLine(argv);
}

// With other flags of V8 than its own, Node compiles its modules at each start. A snapshot made with these flags has them compiled.
startupSnapshot.setDeserializeMainFunction(async () => {
  process.exitCode = await run();
});
