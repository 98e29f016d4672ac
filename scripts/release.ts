/**
 * `npm run release`: prepares the next version and its notes from the commits since the last tag, in the files that name it. It
 * commits, tags and publishes nothing: .github/workflows/release.yml does that for a tag. With `--notes 0.2.0` it prints the notes
 * of a version that is there.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type Commit, nextVersion, notesOf, readCommit, releasedChangelog, sectionOf } from "./release-plan.ts";

const root = new URL("../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const write = (path: string, text: string) => writeFileSync(new URL(path, root), text);
const git = (...args: readonly string[]) =>
  execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

/** A file that names the version, and the place in it. The manifests are rendered from the chart. */
const places: readonly (readonly [path: string, pattern: RegExp])[] = [
  ["package.json", /^( {2}"version": ")[^"]+/m],
  ["package-lock.json", /^( {2}"version": ")[^"]+/m],
  ["package-lock.json", /^( {6}"version": ")[^"]+/m],
  ["deploy/helm/Chart.yaml", /^(version: ).+/m],
  ["deploy/helm/Chart.yaml", /^(appVersion: ).+/m],
  ["deploy/kubernetes/kustomization.yaml", /^( +newTag: ).+/m],
];

const [option, asked = ""] = process.argv.slice(2);
if (option === "--notes") console.log(sectionOf(read("CHANGELOG.md"), asked));
else prepare();

function prepare(): void {
  if (git("status", "--porcelain") !== "") stop("Commit or remove your changes first: a release has only its own.");
  const [, current = stop("package.json has no version.")] =
    /^ {2}"version": "([^"]+)"/m.exec(read("package.json")) ?? [];
  const tag = lastTag();
  const commits = tag ? commitsSince(tag) : [];
  const version = tag ? nextVersion(tag.slice(1), commits) : current;
  if (version === null) stop(`No commit since ${tag} changes the product.`);
  const day = new Date().toISOString().slice(0, 10);
  write("CHANGELOG.md", releasedChangelog(read("CHANGELOG.md"), { version, day, notes: notesOf(commits) }));
  for (const [path, pattern] of places) write(path, replaced(path, pattern, version));
  execFileSync(process.execPath, ["--import", "tsx", "test/deploy/render-manifests.ts"], {
    cwd: root,
    stdio: "inherit",
  });
  console.log(`Version ${version} is prepared. Read the changes, then:
  git commit --all --message "chore(release): ${version}"
  git tag --sign v${version} --message v${version}
  git push --follow-tags`);
}

/** Null before the first release. */
function lastTag(): string | null {
  try {
    return git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*").trim();
  } catch {
    return null;
  }
}

function commitsSince(tag: string): readonly Commit[] {
  const messages = git("log", "--no-merges", "--format=%B%x00", `${tag}..HEAD`).split("\0");
  return messages.filter((each) => each.trim() !== "").map(readCommit);
}

function replaced(path: string, pattern: RegExp, version: string): string {
  const text = read(path);
  if (!pattern.test(text)) stop(`${path} does not say its version where it should.`);
  return text.replace(pattern, (_, before: string) => `${before}${version}`);
}

function stop(why: string): never {
  console.error(why);
  process.exit(1);
}
