import type { SandboxAnswer } from "../http-server.ts";
import { badRequest, failure, isStatus, type Status, statusAnswer } from "./status.ts";

interface Listed {
  metadata: { name: string; namespace?: string; labels?: Readonly<Record<string, string>> };
}

/**
 * A list of one kind, by namespace and name, with `labelSelector` (equality) and pages by `limit` and `continue` (Kubernetes docs, "API
 * Concepts").
 */
export function listAnswer(
  { apiVersion, kind }: { apiVersion: string; kind: string },
  items: readonly Listed[],
  url: URL,
  resourceVersion: string,
): SandboxAnswer {
  const { searchParams } = url;
  const hasLabels = selectorOf(searchParams.get("labelSelector") ?? "");
  if (isStatus(hasLabels)) return statusAnswer(hasLabels);
  const last = Buffer.from(searchParams.get("continue") ?? "", "base64url").toString("utf8");
  const found = items
    .filter(({ metadata }) => hasLabels(metadata.labels ?? {}))
    .filter((item) => keyOf(item) > last)
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const page = found.slice(0, Number(searchParams.get("limit")) || found.length);
  const end = page.at(-1);
  const left = found.length - page.length;
  const metadata = {
    resourceVersion,
    ...(end && left > 0 ? { continue: Buffer.from(keyOf(end)).toString("base64url") } : {}),
    // A real API server counts the rest only without a selector, which would have to look at each object.
    ...(left > 0 && !searchParams.has("labelSelector") ? { remainingItemCount: left } : {}),
  };
  return { status: 200, body: JSON.stringify({ kind: `${kind}List`, apiVersion, metadata, items: page }) };
}

function keyOf({ metadata: { namespace = "", name } }: Listed): string {
  return `${namespace}/${name}`;
}

type HasLabels = (labels: Readonly<Record<string, string>>) => boolean;

const requirement = /^\s*(!?)\s*([\w./-]+)\s*(?:(=|==|!=)\s*([\w.-]*))?\s*$/;

/** A wrong answer would be worse than none: the sandbox does not read `in` and `notin`. */
const noSets = failure(501, "NotImplemented", "the sandbox does not select labels by sets");

/** Kubernetes docs, "Labels and Selectors", equality-based requirement. */
function selectorOf(selector: string): HasLabels | Status {
  if (selector === "") return () => true;
  if (/\bin\s*\(/.test(selector)) return noSets;
  const requirements: HasLabels[] = [];
  for (const text of selector.split(",")) {
    const [match, not, key = "", operator, value] = requirement.exec(text) ?? [];
    if (match === undefined) return badRequest(`unable to parse requirement: ${text}`);
    requirements.push((labels) => {
      if (operator === undefined) return Object.hasOwn(labels, key) === (not === "");
      return (labels[key] === value) === (operator !== "!=");
    });
  }
  return (labels) => requirements.every((holds) => holds(labels));
}
