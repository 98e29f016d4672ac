import type { Problem, Section } from "../../aws-auth/index.ts";
import { covers } from "../policy/policy-text.ts";
import type { ApprovedRequest } from "../record.ts";
import type { MappedIdentity } from "./lease-record.ts";

export interface Drift {
  readonly request: ApprovedRequest;
  /** One clause: the missing part, and the last writer. */
  readonly message: string;
  /** An unreadable section of the document: the part may still be there. Absent: the section is readable. */
  readonly unreadableSection?: Section;
}

export interface SectionWriter {
  readonly manager: string;
  readonly time: string | null;
  readonly dataKeys: readonly string[];
}

/**
 * What a lease's entry lacks; null: nothing. @param groups from a sealed source @param writers of the document; null: an access
 * entry @param blocking an unreadable section has lost nothing, but gives nothing
 */
export function driftOf(
  request: ApprovedRequest,
  entry: MappedIdentity | null,
  writers: readonly SectionWriter[] | null,
  blocking: readonly Problem[] = [],
  groups: readonly string[] = request.groups,
): Drift | null {
  const missing = groups.filter((group) => !covers(entry?.groups ?? [], group));
  if (missing.length === 0) return null;
  const unread = blocking.find(({ code, section }) => unreadable.has(code) && section === sectionOf(request));
  if (unread?.section) {
    const { section, line } = unread;
    return { request, message: `${section} can't be read from line ${line} on`, unreadableSection: section };
  }
  const what = entry
    ? `the entry of ${request.principal} lacks ${missing.join(", ")}`
    : `the entry of ${request.principal} is gone`;
  const who = writers ? lastWriter(request, writers) : "CloudTrail says who changed it";
  return { request, message: `${what}; ${who}` };
}

const unreadable: ReadonlySet<string> = new Set(["section-unreadable", "section-too-large", "section-not-a-list"]);

function sectionOf({ principal }: ApprovedRequest): Section {
  return principal.includes(":user/") ? "mapUsers" : "mapRoles";
}

/** managedFields never names the remover: only the last writer of the section after our lease became active. */
function lastWriter(request: ApprovedRequest, writers: readonly SectionWriter[]): string {
  const section = sectionOf(request);
  const since = Math.floor(Date.parse(request.lease.activeSince ?? "") / 1000) * 1000;
  const [last] = writers
    .filter(
      ({ manager, dataKeys, time }) =>
        manager !== "eks-access" && dataKeys.includes(section) && Date.parse(time ?? "") >= since,
    )
    .toSorted((a, b) => (b.time ?? "").localeCompare(a.time ?? ""));
  return last ? `${last.manager} wrote ${section} last, ${last.time}` : "the cluster does not say who removed it";
}
