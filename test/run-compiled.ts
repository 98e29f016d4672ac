import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import type { runLine } from "../src/bin/commands.ts";

/**
 * Runs `eks-access` from the bundle beside this file, with the code that V8 kept when `keepCode` ran it before: compiling is half
 * of what a start costs. It is what Node 22 offers as its compile cache, for a Node that has none.
 */
const argv = process.argv.slice(2);
const bundle = new URL("commands.cjs", import.meta.url);
const code = new URL(`commands.cjs.${argv[0]}.code`, import.meta.url);

const script = new Script(readFileSync(bundle, "latin1"), {
  filename: fileURLToPath(bundle),
  ...(existsSync(code) && { cachedData: readFileSync(code) }),
});
if (process.env.KEEP_CODE) process.on("exit", () => writeFileSync(code, script.createCachedData()));

// Zod compiles a function for each schema, which pays off after minutes: a tenth of what a short process does.
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });

const module: { exports: unknown } = { exports: {} };
script.runInThisContext()(module, createRequire(bundle), bundle.href);
process.exitCode = await (module.exports as { runLine: typeof runLine }).runLine(argv);
