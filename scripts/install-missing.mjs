// Installs the dependencies of a fresh clone, so that `npm run demo` and `npm test` are the only commands needed.
// Runs on Node alone. Install scripts are off: no dependency of ours needs one.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

if (isStale()) {
  console.error("Installing dependencies (npm ci) …");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  // With NODE_ENV=production npm would leave out what only development needs.
  const { status, error } = spawnSync(npm, ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (error) console.error(`npm could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** npm writes node_modules/.package-lock.json at the end of each install: what is newer than it has not been installed. */
function isStale() {
  const installed = `${root}/node_modules/.package-lock.json`;
  // An installation for production has no tsx.
  if (!existsSync(installed) || !existsSync(`${root}/node_modules/.bin/tsx`)) return true;
  if (statSync(`${root}/package-lock.json`).mtimeMs <= statSync(installed).mtimeMs) return false;
  const wanted = JSON.parse(readFileSync(`${root}/package-lock.json`, "utf8")).packages;
  const present = JSON.parse(readFileSync(installed, "utf8")).packages;
  return Object.entries(wanted).some(
    ([path, entry]) => path !== "" && !entry.optional && present[path]?.version !== entry.version,
  );
}
