import { execFile } from "node:child_process";
import { access, copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as esbuild from "esbuild";
import { inject } from "vitest";
import type { Program } from "../sandbox/product-process.ts";
import { buildProduct } from "../scripts/build.ts";
import { keepCode } from "./keep-code.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/**
 * A process that lives for seconds takes an eighth less of a processor if it collects garbage seldom, and in its own thread, and a
 * twelfth less each if V8 optimizes as late as in this process, and compiles no regular expression of few uses.
 */
const shortLived = [
  ...["--single-threaded-gc", "--min-semi-space-size=32", "--max-semi-space-size=64", "--no-minor-gc-task"],
  "--regexp-tier-up-ticks=100",
  ...process.execArgv.filter((flag) => flag.startsWith("--interrupt-budget=")),
];
const places = new Map<string, Promise<string>>();

type Build = (folder: string) => Promise<void>;

/**
 * `eks-access` as it ships: built once in a test run, by whichever file asks first. A process from the sources would compile
 * itself at each start, which takes twice as long as all else that it does until it is ready.
 */
export function builtProduct(): Promise<Program> {
  return once("built", [], (folder) => buildProduct(join(folder, "dist")));
}

/**
 * The same program in one file, with the code that V8 compiled in a process before. It starts with a third of the work: 1500
 * files are not looked for and opened, and not compiled. For tests that start many processes; `npm run test:deploy` and
 * test/flow/all.test.ts start what ships.
 */
export async function bundledProduct(): Promise<Program> {
  const { script } = await once("bundled", [], async (folder) => {
    const { outputFiles } = await esbuild.build({
      entryPoints: [join(root, "src/bin/commands.ts")],
      outfile: join(folder, "dist/bin/commands.cjs"),
      ...{ bundle: true, write: false, platform: "node", format: "cjs", target: "node20", logLevel: "error" },
      // What V8 kept of a script can't import: OpenTelemetry requires `http` instead.
      supported: { "dynamic-import": false },
      // A process reads the whole text at its start, comments included.
      ...{ minifyWhitespace: true, legalComments: "none" },
      define: { "import.meta.url": "moduleUrl" },
      banner: { js: "(function (module, require, moduleUrl, __filename, __dirname) {" },
      footer: { js: "})" },
    });
    const outfile = join(folder, "dist/bin/eks-access.js");
    await esbuild.build({ entryPoints: [join(root, "test/run-compiled.ts")], outfile, format: "cjs" });
    await esbuild.stop();
    // Beside comments and regular expressions esbuild writes ASCII alone, which a process reads five times as fast.
    const ascii = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    for (const { path, text } of outputFiles) await writeFile(path, text.replace(/[^\0-\x7f]/g, ascii));
    await promisify(execFile)(process.execPath, [...snapshotted(outfile), "--build-snapshot", outfile]);
    await keepCode({ script: outfile, nodeFlags: snapshotted(outfile) });
  });
  return { script, nodeFlags: snapshotted(script) };
}

const snapshotted = (script: string) => [...shortLived, `--snapshot-blob=${script}.blob`];

/** A module of ours in one file, for a process that runs a part of the product: with tsx its start takes four times as much of a processor. */
export function compiledModule(path: string): Promise<Program> {
  return once(path.replaceAll("/", "-"), [], async (folder) => {
    const outfile = join(folder, "dist/bin/eks-access.js");
    await esbuild.build({
      ...{ entryPoints: [join(root, path)], outfile, logLevel: "error" },
      ...{ bundle: true, packages: "external", platform: "node", format: "esm", target: "node20" },
    });
    await esbuild.stop();
  });
}

function once(name: string, nodeFlags: readonly string[], build: Build): Promise<Program> {
  const known = places.get(name) ?? buildOnce(join(inject("productFolder"), name), build);
  places.set(name, known);
  return known.then((script) => ({ script, nodeFlags }));
}

async function buildOnce(folder: string, build: Build): Promise<string> {
  const built = join(folder, "built");
  // The others continue after a failed build too, and report what is missing.
  if (await isFirst(folder)) await buildIn(folder, build).finally(() => writeFile(built, ""));
  while (!(await isThere(built))) await wait(50);
  return join(folder, "dist/bin/eks-access.js");
}

async function buildIn(folder: string, build: Build): Promise<void> {
  // It stays next to dist, as in the package: the product reads its version there.
  await copyFile(join(root, "package.json"), join(folder, "package.json"));
  await build(folder);
}

/** Whether this test file is the one that builds; a folder is made by one process alone. */
function isFirst(folder: string): Promise<boolean> {
  return mkdir(folder).then(
    () => true,
    () => false,
  );
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
