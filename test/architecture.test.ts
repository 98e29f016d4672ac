import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Room, rooms, roomsPicture } from "./rooms.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface SourceFile {
  /** Below src, or with `sandbox/` in front, with slashes. */
  readonly path: string;
  readonly room: string;
  readonly text: string;
  /** Packages by their name as written, files of ours as a path like the above; types included. */
  readonly imports: readonly string[];
}

const files: readonly SourceFile[] = ["src", "sandbox"].flatMap(filesBelow);
const product = files.filter(({ room }) => room !== "sandbox");
const pureRooms = rooms.filter(({ pure }) => pure !== undefined);

function filesBelow(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => {
      const file = join(root, folder, path);
      const text = readFileSync(file, "utf8");
      const imports = [...text.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, name = ""]) =>
        name.startsWith(".") ? placeOf(resolve(dirname(file), name)) : name,
      );
      return { path: placeOf(file), room: roomOf(placeOf(file)), text, imports };
    });
}

function placeOf(file: string): string {
  return relative(root, file).replace(/^src\//, "");
}

function roomOf(path: string): string {
  return path.split("/")[0] ?? "";
}

function isOurs(imported: string): boolean {
  return imported.endsWith(".ts");
}

/** Each import that is not in order, as `file imports what`. */
function strayImports(
  from: readonly SourceFile[],
  isStray: (imported: string, file: SourceFile) => boolean,
): readonly string[] {
  return from.flatMap((file) =>
    file.imports.filter((each) => isStray(each, file)).map((each) => `${file.path} imports ${each}`),
  );
}

test("every folder of src is a room of the list, and every room is a folder with files that import", () => {
  const found = [...new Set(product.map(({ room }) => room))].sort();

  expect(found).toEqual(rooms.map(({ name }) => name).sort());
  expect(found.length).toBeLessThanOrEqual(12);
  expect(product.filter(({ imports }) => imports.length > 0).length).toBeGreaterThan(200);
});

test("imports go one way: a room imports only rooms above it in the list, and none that it does not name", () => {
  const above = (room: Room) => rooms.slice(0, rooms.indexOf(room)).map(({ name }) => name);

  expect(rooms.flatMap((room) => room.imports.filter((each) => !above(room).includes(each)))).toEqual([]);
  for (const room of rooms) {
    const own = product.filter((file) => file.room === room.name);
    const known = [room.name, ...room.imports];
    expect(strayImports(own, (imported) => isOurs(imported) && !known.includes(roomOf(imported)))).toEqual([]);
    const used = new Set(own.flatMap(({ imports }) => imports.filter(isOurs).map(roomOf)));
    expect(
      room.imports.filter((each) => !used.has(each)),
      `${room.name} names what it does not import`,
    ).toEqual([]);
  }
});

test("no files import each other in a circle, types included", () => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, "open" | "done">();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") return void circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    state.set(path, "open");
    for (const each of byPath.get(path)?.imports ?? []) if (byPath.has(each)) visit(each, [...trail, path]);
    state.set(path, "done");
  };

  for (const { path } of files) visit(path, []);

  expect(circles).toEqual([]);
});

test("an exported name has one meaning: it is declared in one file of src", () => {
  const declaration =
    /^export (?:abstract |async |declare )*(?:class|const|enum|function\*?|interface|let|type) (\w+)/gm;
  const filesOf = new Map<string, Set<string>>();
  for (const { path, text } of product) {
    for (const [, name = ""] of text.matchAll(declaration))
      filesOf.set(name, (filesOf.get(name) ?? new Set()).add(path));
  }

  const ambiguous = [...filesOf]
    .filter(([, paths]) => paths.size > 1)
    .map(([name, paths]) => [name, ...paths].join(" "));

  expect(filesOf.size).toBeGreaterThan(500);
  expect(ambiguous).toEqual([]);
});

test.each(rooms.filter(({ hasEntryPoint }) => hasEntryPoint).map(({ name }) => name))(
  "src/%s has one entry point",
  (name) => {
    const outside = product.filter(({ room }) => room !== name);

    expect(strayImports(outside, (each) => roomOf(each) === name && each !== `${name}/index.ts`)).toEqual([]);
  },
);

test.each(pureRooms.map((room) => [room.name, room] as const))(
  "src/%s imports no package that reaches outside",
  (name, room) => {
    const allowed = ["node:crypto", ...(room.pure ?? [])];
    const own = product.filter((file) => file.room === name);

    expect(strayImports(own, (imported) => !isOurs(imported) && !allowed.includes(imported))).toEqual([]);
    expect(room.imports.filter((each) => !pureRooms.some((pure) => pure.name === each))).toEqual([]);
  },
);

test.each([
  ["the environment", /\bprocess\s*\./],
  ["the clock", /\bDate\s*\.\s*now\b|\bnew Date\(\s*\)|\bperformance\s*\./],
  ["chance", /\bMath\s*\.\s*random\b|\brandom(?:UUID|Bytes|Int)\b/],
  ["timers", /\bset(?:Timeout|Interval|Immediate)\b/],
])("the pure rooms do not read %s", (_, pattern) => {
  const readers = product.filter(
    ({ room, text }) => pureRooms.some(({ name }) => name === room) && pattern.test(withoutComments(text)),
  );

  expect(readers.map(({ path }) => path)).toEqual([]);
});

test("no code of the product imports the sandbox, so that the image holds none of it", () => {
  expect(strayImports(product, (imported) => roomOf(imported) === "sandbox")).toEqual([]);
});

test("the stand-ins share no code with the product, which would hide a mistake made twice", () => {
  const standIns = files.filter(({ path }) => /^sandbox\/(aws|cluster|slack)\//.test(path));

  expect(strayImports(standIns, (imported) => isOurs(imported) && roomOf(imported) !== "sandbox")).toEqual([]);
});

test("a client of EKS is made in one place, behind the comparison of the cluster's ARN", () => {
  const makers = product.filter(({ text }) => /new EKS(?:Client)?\b/.test(withoutComments(text)));

  // Before a cluster is known there is no ARN to compare: the other one only lists and describes.
  expect(makers.map(({ path }) => path)).toEqual(["aws/eks-cluster.ts", "aws/fleet-clusters.ts"]);
  const sent = [...(makers[1]?.text ?? "").matchAll(/\bclient\??\.(\w+)/g)].map(([, name]) => name);
  expect(sent.toSorted()).toEqual(["describeCluster", "listClusters"]);
});

test("src/slack has no package of AWS and Kubernetes, and the worker and its edges have none of Slack", () => {
  const ofAws = /^@(aws-sdk|kubernetes)\//;
  const edges = product.filter(({ room }) => ["aws", "kubernetes", "worker"].includes(room));

  expect(
    strayImports(
      product.filter(({ room }) => room === "slack"),
      (each) => ofAws.test(each),
    ),
  ).toEqual([]);
  expect(strayImports(edges, (each) => each.startsWith("@slack/"))).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, "");
}

test("the Slack process runs nothing in an AsyncLocalStorage, which slows each command before Node 24", () => {
  const runners = /\b(?:AsyncLocalStorage|aboutRequests|tracedRun|withinDeadline|enterWith)\b/;
  const users = product.filter(({ room, text }) => room === "slack" && runners.test(withoutComments(text)));

  expect(users.map(({ path }) => path)).toEqual([]);
});

/** What is loaded with a file before its first line runs: files and packages. */
function loadedWith(path: string, loaded = new Set<string>()): ReadonlySet<string> {
  loaded.add(path);
  const { text = "" } = product.find((file) => file.path === path) ?? {};
  for (const [, name = ""] of text.matchAll(/^(?:import|export) (?!type )[^;]*?from "(?!node:)([^"]+)"/gm)) {
    const next = name.startsWith(".") ? placeOf(resolve(root, "src", dirname(path), name)) : name;
    if (!loaded.has(next)) loadedWith(next, loaded);
  }
  return loaded;
}

test("little is loaded before a process listens for SIGTERM, which a container's first process would not hear", () => {
  expect([...loadedWith("bin/eks-access.ts")].sort()).toEqual([
    "access/access-error.ts",
    "access/redact.ts",
    "bin/commands.ts",
    "bin/eks-access.ts",
    "bin/process-io.ts",
  ]);
});

test("the Slack process loads nothing of the engines, the worker and its edges", () => {
  const loaded = [...loadedWith("slack/app/app.ts")].filter((each) => isOurs(each) && each.includes("/"));

  const found = [...new Set(loaded.map(roomOf))].sort();

  expect(found).toEqual(["access", "diagnosis", "ledger", "operations", "slack"]);
});

test("what few processes need is loaded by them alone: OpenTelemetry's SDK, and lines for people", () => {
  const importers = (pattern: RegExp) => product.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

  expect(importers(/from "@opentelemetry\/(?!api")/)).toEqual(["operations/open-telemetry.ts"]);
  expect(importers(/from "[./a-z-]*\/open-telemetry\.ts"|from "pino-pretty"/)).toEqual([]);
});

test("docs/architecture.md has the picture of the rooms as the list has them", () => {
  expect(readFileSync(join(root, "docs/architecture.md"), "utf8")).toContain(roomsPicture());
});
