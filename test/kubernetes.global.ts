import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, runProgram } from "../sandbox/redis/debian-packages.ts";
import { aProgram } from "./deploy/a-program.ts";

/** The newest kube-apiserver in Debian's sources. Debian 13 has kubectl alone. */
const source = { suite: "bookworm", package: "kubernetes", version: "1.20.5+really1.20.2-1.1+deb12u1" } as const;
const module = "k8s.io/kubernetes";
const openapi = "pkg/generated/openapi";

/**
 * Vitest's global setup: names a folder with a real kube-apiserver and etcd in `KUBEBUILDER_ASSETS`. A folder that is named already
 * stays. Otherwise it builds the API server of Debian's source once, in some minutes, and keeps it in the cache.
 */
export default async function setup(): Promise<void> {
  process.env.KUBEBUILDER_ASSETS ??= await provideApiServer();
}

async function provideApiServer(): Promise<string> {
  const home = join(await cacheFolder(), `kubernetes-${source.version}-with-maps-${process.arch}`);
  if (await canRun(join(home, "kube-apiserver"))) return home;
  const aside = await mkdtemp(join(await cacheFolder(), "build-"));
  try {
    await fetchSource(aside);
    await mendMaps(join(aside, "src", module, "vendor/github.com/modern-go/reflect2"));
    await mkdir(join(aside, "assets"));
    await build(aside);
    const etcd = await aProgram("etcd-server", "usr/bin/etcd");
    await symlink(etcd.path, join(aside, "assets", "etcd"));
    await rm(home, { recursive: true, force: true });
    await rename(join(aside, "assets"), home);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return home;
}

function canRun(program: string): Promise<boolean> {
  return access(program, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** apt checks the signatures. The list of sources is our own, so that the machine's stays as it is. */
async function fetchSource(folder: string): Promise<void> {
  const list = join(folder, "sources.list");
  const keys = "/usr/share/keyrings/debian-archive-keyring.pgp";
  await writeFile(list, `deb-src [signed-by=${keys}] http://deb.debian.org/debian ${source.suite} main\n`);
  await mkdir(join(folder, "state", "lists", "partial"), { recursive: true });
  await mkdir(join(folder, "cache", "archives", "partial"), { recursive: true });
  const settings = [
    `Dir::Etc::SourceList=${list}`,
    "Dir::Etc::SourceParts=/dev/null",
    `Dir::State=${join(folder, "state")}`,
    `Dir::Cache=${join(folder, "cache")}`,
    "APT::Sandbox::User=root",
  ];
  const options = settings.flatMap((setting) => ["-o", setting]);
  await runProgram("apt-get", [...options, "update"], { cwd: folder, timeoutMs: 300_000 });
  const wanted = `${source.package}=${source.version}`;
  await runProgram("apt-get", [...options, "source", "--download-only", wanted], { cwd: folder, timeoutMs: 300_000 });
  const archive = (await readdir(folder)).find((name) => name.endsWith(".orig.tar.gz"));
  if (!archive) throw new Error(`apt-get downloaded no source of ${wanted}.`);
  const root = join(folder, "src", module);
  await mkdir(root, { recursive: true });
  await runProgram("tar", ["-xzf", join(folder, archive), "--strip-components=1", "-C", root]);
}

/** Since Go 1.18 who walks a map brings the iterator, as reflect2 1.0.2 does. The older one here panics at a webhook's patch. */
async function mendMaps(reflect2: string): Promise<void> {
  const edits = {
    "unsafe_link.go": [
      String.raw`s/(rtype unsafe.Pointer, m unsafe.Pointer) \*hiter$/(rtype unsafe.Pointer, m unsafe.Pointer, it *hiter)/`,
      "s|// rest fields are ignored|rest [16]uintptr|",
    ],
    "unsafe_map.go": [
      String.raw`s/mapiterinit(type2.rtype, \*(\*unsafe.Pointer)(obj)),/it,/`,
      String.raw`s/^\treturn &UnsafeMapIterator{$/\tit := new(hiter)\n\tmapiterinit(type2.rtype, *(*unsafe.Pointer)(obj), it)\n&/`,
    ],
  };
  for (const [file, lines] of Object.entries(edits)) {
    const scripts = lines.flatMap((line) => ["-e", line]);
    await runProgram("sed", ["-i", ...scripts, join(reflect2, file)], { cwd: reflect2, timeoutMs: 10_000 });
  }
}

/** The source names its dependencies in `vendor`. What describes its own API to clients has to be generated first. */
async function build(folder: string): Promise<void> {
  const go = (await aProgram("golang-go", "usr/bin/go")).path;
  const env = { GOPATH: folder, GO111MODULE: "off", GOTOOLCHAIN: "local", GOFLAGS: "", CGO_ENABLED: "0" };
  const options = {
    cwd: join(folder, "src", module),
    env: { ...env, GOCACHE: join(folder, "go") },
    timeoutMs: 1_800_000,
  };
  const generator = join(folder, "openapi-gen");
  await runProgram(go, ["build", "-o", generator, `${module}/vendor/k8s.io/kube-openapi/cmd/openapi-gen`], options);
  const described = await runProgram("sh", ["-c", describedPackages], options);
  const header = ["-h", "hack/boilerplate/boilerplate.generatego.txt"];
  const output = [
    "-p",
    `${module}/${openapi}`,
    "-O",
    "zz_generated.openapi",
    "-r",
    join(folder, "violations"),
    ...header,
  ];
  await runProgram(generator, ["-i", described.trim(), ...output], options);
  // Go 1.23 links no package to the insides of another unless it is told to; the vendored ones do.
  const flags = ["-ldflags=-checklinkname=0 -s -w", "-o", join(folder, "assets", "kube-apiserver")];
  await runProgram(go, ["build", ...flags, `${module}/cmd/kube-apiserver`], options);
}

/** The packages that ask for a description, as import paths with a comma between. */
const describedPackages = String.raw`
grep -rlE '^// \+k8s:openapi-gen=' --include=*.go pkg staging/src | xargs -n1 dirname | sort -u |
  grep -vE 'sample-|examples|testdata|code-generator' |
  sed -e 's#^staging/src/#${module}/vendor/#' -e 's#^pkg#${module}/pkg#' | paste -sd,`;
