import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";

type Docker = (args: readonly string[], options?: { cwd?: string }) => Promise<string>;

const debian = "debian:trixie-slim";

/**
 * Makes what the Dockerfile and the compose files start from, named as the official images, with their users: for an engine that
 * cannot reach a registry of images. What is there already stays.
 */
export async function provideBaseImages(docker: Docker): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "eks-access-images-"));
  try {
    for (const [image, make] of images) {
      if (await isThere(docker, image)) continue;
      const context = join(folder, image.replace(":", "-"));
      await mkdir(context);
      await make(docker, image, context);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Make = (docker: Docker, image: string, context: string) => Promise<void>;

const images: readonly (readonly [string, Make])[] = [
  [debian, debianImage],
  ["node:24-trixie-slim", nodeImage],
  ["redis:8-alpine", redisImage],
  ["haproxy:3.0-alpine", haproxyImage],
];

async function debianImage(docker: Docker, image: string, context: string): Promise<void> {
  const root = join(context, "root");
  await runProgram("debootstrap", ["--variant=minbase", "trixie", root], { timeoutMs: 600_000 });
  const archive = join(context, "root.tar");
  await runProgram("tar", ["-C", root, "-cf", archive, "."], { timeoutMs: 600_000 });
  await docker(["import", "-c", 'CMD ["bash"]', archive, image]);
}

async function nodeImage(docker: Docker, image: string, context: string): Promise<void> {
  const node = `node-linux-${process.arch}`;
  for (const name of [`${node}@24`, "npm@11"]) {
    const file = (await runProgram("npm", ["pack", "--silent", name], { cwd: context })).trim();
    const folder = join(context, name.startsWith("npm") ? "npm" : "node");
    await mkdir(folder);
    await runProgram("tar", ["-C", folder, "--strip-components=1", "-xzf", join(context, file)]);
  }
  await copyTrust(context);
  const lines = [
    `FROM ${debian}`,
    "COPY node/bin/node /usr/local/bin/node",
    "COPY npm /usr/local/lib/node_modules/npm",
    "COPY trust /usr/local/etc/",
    "RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm",
    "RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node",
    'CMD ["node"]',
  ];
  await build(docker, image, context, lines);
}

/** `npm ci` in a build asks the registry that this machine asks, and trusts what this machine trusts. */
async function copyTrust(context: string): Promise<void> {
  const setting = async (name: string) => (await runProgram("npm", ["config", "get", name])).trim();
  const [registry, authorities] = [await setting("registry"), await setting("cafile")];
  const trust = join(context, "trust");
  await mkdir(trust);
  const hasAuthorities = authorities !== "null" && authorities !== "";
  if (hasAuthorities) await copyFile(authorities, join(trust, "authorities.pem"));
  await writeFile(
    join(trust, "npmrc"),
    `registry=${registry}\n${hasAuthorities ? "cafile=/usr/local/etc/authorities.pem\n" : ""}`,
  );
}

/** Its user and its working folder are those of the official image; Debian's package makes the user. */
function redisImage(docker: Docker, image: string, context: string): Promise<void> {
  const lines = [...debianPackage("redis-server"), "RUN mkdir -p /data && chown redis:redis /data", "WORKDIR /data"];
  return build(docker, image, context, lines);
}

function haproxyImage(docker: Docker, image: string, context: string): Promise<void> {
  const command = 'CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]';
  return build(docker, image, context, [...debianPackage("haproxy"), "USER haproxy", command]);
}

function debianPackage(name: string): string[] {
  return [`FROM ${debian}`, `RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ${name}`];
}

async function build(docker: Docker, image: string, context: string, lines: readonly string[]): Promise<void> {
  await writeFile(join(context, "Dockerfile"), `${lines.join("\n")}\n`);
  await docker(["build", "--quiet", "--network", "host", "--tag", image, context]);
}

function isThere(docker: Docker, image: string): Promise<boolean> {
  return docker(["image", "inspect", image]).then(
    () => true,
    () => false,
  );
}
