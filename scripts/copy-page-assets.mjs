// The compiler leaves out what is no TypeScript: the files of the sandbox's page, which are served as they are.
import { cpSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const from = fileURLToPath(new URL("../src/sandbox/page/assets/", import.meta.url));
const to = fileURLToPath(new URL("../dist/sandbox/page/assets/", import.meta.url));

for (const name of readdirSync(from).filter((each) => /\.(?:js|css|svg)$/.test(each))) {
  cpSync(`${from}${name}`, `${to}${name}`);
}
