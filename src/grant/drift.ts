import type { AccessRequest, MappedIdentity } from "../request/request.ts";

/** A grant in force whose part somebody else took out of the document. */
export interface Drift {
  readonly request: AccessRequest;
  /** One clause: what is missing, and who wrote there last. */
  readonly message: string;
}

/** Who wrote to which sections of the document, by managedFields. */
export interface SectionWriter {
  readonly manager: string;
  /** ISO 8601. */
  readonly time: string | null;
  readonly dataKeys: readonly string[];
}

/** What of a grant is missing in its entry; null: nothing is. */
export function driftOf(
  request: AccessRequest,
  entry: MappedIdentity | null,
  writers: readonly SectionWriter[],
): Drift | null {
  const missing = request.groups.filter((group) => !entry?.groups.includes(group));
  if (missing.length === 0) return null;
  const what = entry
    ? `the entry of ${request.principal} lacks ${missing.join(", ")}`
    : `the entry of ${request.principal} is gone`;
  return { request, message: `${what}; ${lastWriter(request, writers)}` };
}

/** Names of our own writes do not help anybody to find who it was. */
function lastWriter(request: AccessRequest, writers: readonly SectionWriter[]): string {
  const section = request.principal.includes(":user/") ? "mapUsers" : "mapRoles";
  const others = writers.filter(({ manager }) => manager !== "eks-access");
  const there = others.filter(({ dataKeys }) => dataKeys.includes(section));
  const [last] = (there.length > 0 ? there : others).toSorted((a, b) => (b.time ?? "").localeCompare(a.time ?? ""));
  if (!last) return "managedFields does not say who did it";
  return `${last.manager} wrote ${there.length > 0 ? section : "there"} last${last.time ? `, ${last.time}` : ""}`;
}
