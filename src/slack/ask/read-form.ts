import type { ViewOutput } from "@slack/bolt";
import type { ModalView } from "@slack/types";
import { z } from "zod";
import type { PartName } from "../../access/request/request-line.ts";
import type { RequestParts } from "../../access/request/split-line.ts";
import { partOf } from "./fields.ts";
import type { RequestForm } from "./form.ts";

/** What the form says of itself: see `RequestForm.replaced`, and a digest of all but what was put in. */
const metadata = z.object({ replaced: z.int().min(0), shown: z.string() }).catch({ replaced: 0, shown: "" });

function readMetadata(text: string): z.infer<typeof metadata> {
  try {
    return metadata.parse(JSON.parse(text));
  } catch {
    return { replaced: 0, shown: "" };
  }
}

type FormView = Pick<ViewOutput, "state" | "private_metadata">;

/** The form as it stands on somebody's screen. */
export function formOf(view: FormView): RequestForm {
  const { cluster, level, duration = "", principal } = partsOf(view);
  return { cluster, level, duration, principal, replaced: readMetadata(view.private_metadata).replaced };
}

/** Whether somebody sees this form already, but for what they have put in. */
export function isShown(view: Pick<FormView, "private_metadata">, form: Pick<ModalView, "private_metadata">): boolean {
  return view.private_metadata === form.private_metadata;
}

/** The parts as they stand in the form. */
export function partsOf(view: FormView): RequestParts {
  return {
    cluster: putIn(view, "cluster"),
    level: putIn(view, "level"),
    principal: putIn(view, "principal").trim(),
    duration: putIn(view, "duration"),
    ticket: putIn(view, "ticket") || undefined,
    reason: putIn(view, "reason"),
  };
}

/** The id of the block that shows a part; where it is not there yet, the one that everything follows from. */
export function blockOf({ state }: FormView, part: PartName): string {
  return Object.keys(state.values).findLast((id) => partOf(id) === part) ?? "cluster";
}

function putIn(view: FormView, part: PartName): string {
  const id = blockOf(view, part);
  const [field] = partOf(id) === part ? Object.values(view.state.values[id] ?? {}) : [];
  return field?.selected_option?.value ?? field?.value ?? "";
}
