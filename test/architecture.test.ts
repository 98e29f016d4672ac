import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Pure folders: they take the time, an id and a setting as values, and reach nothing outside. */
const domain = [
  "request",
  "approval",
  "grant",
  "policy",
  "principal",
  "aws-auth",
  "access-entry",
  "proof",
  "audit",
  "failure",
  "diagnosis",
  "migration",
  "rescue",
];

/** Packages without I/O that a domain folder may take. */
const allowedPackages: Readonly<Record<string, readonly string[]>> = { "aws-auth": ["yaml"], request: ["re2js"] };

interface SourceFile {
  /** Below src, or with `sandbox/` in front, with slashes. */
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  /** Packages by their name as written, files of ours as a path like the above. */
  readonly imports: readonly string[];
}

const files: readonly SourceFile[] = ["src", "sandbox"].flatMap(filesBelow);

function filesBelow(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => {
      const file = join(root, folder, path);
      const text = readFileSync(file, "utf8");
      const imports = [...text.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, name = ""]) =>
        name.startsWith(".") ? placeOf(resolve(dirname(file), name)) : name,
      );
      return { path: placeOf(file), folder: folderOf(placeOf(file)), text, imports };
    });
}

function placeOf(file: string): string {
  return relative(root, file).replace(/^src\//, "");
}

function folderOf(path: string): string {
  return path.split("/")[0] ?? "";
}

/** Each import that is not in order, as `file imports what`. */
function strayImports(
  from: (file: SourceFile) => boolean,
  isStray: (imported: string, file: SourceFile) => boolean,
): string[] {
  return files
    .filter(from)
    .flatMap((file) =>
      file.imports.filter((each) => isStray(each, file)).map((each) => `${file.path} imports ${each}`),
    );
}

function isOurs(imported: string): boolean {
  return imported.endsWith(".ts");
}

test("every domain folder that the rules speak of is there, with files to read", () => {
  const folders = new Set(files.map((file) => file.folder));

  expect(domain.filter((folder) => !folders.has(folder))).toEqual([]);
  expect(files.filter((file) => file.imports.length > 0).length).toBeGreaterThan(20);
});

test("the domain imports no edge and no package that could reach outside", () => {
  const stray = strayImports(
    (file) => domain.includes(file.folder),
    (imported, file) => {
      if (isOurs(imported)) return !domain.includes(folderOf(imported));
      return imported !== "node:crypto" && !allowedPackages[file.folder]?.includes(imported);
    },
  );

  expect(stray).toEqual([]);
});

test.each([
  ["the environment", /\bprocess\s*\./],
  ["the clock", /\bDate\s*\.\s*now\b|\bnew Date\(\s*\)|\bperformance\s*\./],
  ["chance", /\bMath\s*\.\s*random\b|\brandom(?:UUID|Bytes|Int)\b/],
  ["timers", /\bset(?:Timeout|Interval|Immediate)\b/],
])("the domain does not read %s", (_, pattern) => {
  const readers = files.filter((file) => domain.includes(file.folder) && pattern.test(withoutComments(file.text)));

  expect(readers.map((file) => file.path)).toEqual([]);
});

test("no code of the product imports the sandbox, so that the image holds none of it", () => {
  const stray = strayImports(
    (file) => file.folder !== "sandbox",
    (imported) => folderOf(imported) === "sandbox",
  );

  expect(stray).toEqual([]);
});

test("the stand-ins share no code with the product, or a mistake would hide itself by being made twice", () => {
  const stray = strayImports(
    (file) => /^sandbox\/(aws|cluster|slack)\//.test(file.path),
    (imported) => isOurs(imported) && folderOf(imported) !== "sandbox",
  );

  expect(stray).toEqual([]);
});

test("a client of EKS is made in one place, behind the comparison of the cluster's ARN", () => {
  const makers = files.filter(({ text }) => /new EKS(?:Client)?\b/.test(withoutComments(text))).map(({ path }) => path);

  expect(makers).toEqual(["aws/eks-cluster.ts"]);
});

test("what faces Slack knows nothing of AWS and of clusters", () => {
  const stray = strayImports(
    (file) => file.folder === "slack",
    (imported) => ["aws", "kubernetes"].includes(folderOf(imported)) || /^@(aws-sdk|kubernetes)\//.test(imported),
  );

  expect(stray).toEqual([]);
});

test("what faces AWS and clusters knows nothing of Slack", () => {
  const stray = strayImports(
    (file) => ["aws", "kubernetes", "jobs"].includes(file.folder),
    (imported) => folderOf(imported) === "slack" || imported.startsWith("@slack/"),
  );

  expect(stray).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, "");
}

test("what few processes need is loaded by them alone: OpenTelemetry, and lines for people", () => {
  const importers = (pattern: RegExp) => files.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

  expect(importers(/from "@opentelemetry\//)).toEqual(["tracing/open-telemetry.ts"]);
  expect(importers(/from "[./a-z-]*\/open-telemetry\.ts"|from "pino-pretty"/)).toEqual([]);
});
