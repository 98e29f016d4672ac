import { grantsAnnotation } from "../../access/lease/annotation.ts";
import { isGivenByEntry } from "../../access/lease/written.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { summarize } from "../../diagnosis/check.ts";
import type { DocumentReport } from "../../diagnosis/check-report.ts";
import { annotationRemedy } from "../../diagnosis/cluster-links.ts";
import { isInForce } from "../../diagnosis/entry-lease.ts";
import { type Granted, leaseProblems, type Reader } from "../../diagnosis/lease-problems.ts";
import { named } from "../../diagnosis/link.ts";
import type { Told } from "../../diagnosis/problem-groups.ts";
import { driftsIn, type LookedAt } from "./look-at-document.ts";

/** Whose grants are looked for in the document, and who is told of them. */
export interface DocumentQuestion {
  readonly granted: Granted;
  readonly asker: Reader;
  /** Whether the cluster reads the document: nothing of ours is missed in one that decides nothing. */
  readonly isRead: boolean;
}

/** Reports on the document as it was found. */
export function reportDocument(looked: LookedAt | null, cluster: Cluster, question: DocumentQuestion): DocumentReport {
  if (!looked) return { type: "absent" };
  const { document, managers, immutable, isBeingDeleted } = looked;
  const ours = question.isRead ? [...distrusted(looked), ...takenOut(looked, cluster, question)] : [];
  return { type: "checked", ...summarize(document, managers, ours), immutable, isBeingDeleted };
}

function distrusted({ untrusted }: LookedAt): readonly Told[] {
  if (untrusted === null) return [];
  const message = `The annotation ${named(grantsAnnotation)} is not believed: ${untrusted}.`;
  const place = `annotation ${grantsAnnotation}`;
  return [{ code: "annotation-untrusted", severity: "error", place, message, remedy: annotationRemedy }];
}

function takenOut(looked: LookedAt, cluster: Cluster, { granted, asker }: DocumentQuestion): readonly Told[] {
  const given = granted.still.filter((request) => isInForce(request) && !isGivenByEntry(request));
  // That a section can't be read is a problem of its own.
  const drifts = driftsIn(looked, given).filter(({ unread }) => unread === undefined);
  return leaseProblems(drifts, cluster, asker, "aws-auth");
}
