import { parseArgs } from "node:util";
import { type Anchor, readAnchor } from "../access/audit/anchor.ts";

export const auditUsage = `Usage: eks-access audit verify [--anchor COUNT:HASH] [--file FILE|-]
         checks the chain: no event edited, removed, reordered or inserted. With an anchor that was posted: nor the
         whole log replaced. With a file: an export instead of the ledger.
       eks-access audit export [--format jsonl|cloudevents] [--from N]
         prints the events with their chain, one JSON object a line
       eks-access audit show [--request ID]
         prints the events, one JSON object a line
`;

export type AuditOptions =
  | { readonly type: "verify"; readonly anchors: readonly Anchor[]; readonly file: string | null }
  | { readonly type: "export"; readonly format: "jsonl" | "cloudevents"; readonly from: number }
  | { readonly type: "show"; readonly request: string | null };

const options = {
  anchor: { type: "string", multiple: true },
  file: { type: "string" },
  format: { type: "string" },
  from: { type: "string" },
  request: { type: "string" },
} as const;

/** Which of the options belong to which command. */
const ofCommand: Readonly<Record<string, readonly string[]>> = {
  verify: ["anchor", "file"],
  export: ["format", "from"],
  show: ["request"],
};

/** Reads the arguments of `audit`; a text: what is wrong with them. */
export function readAuditOptions(argv: readonly string[]): AuditOptions | string {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options });
    const [verb = "", ...rest] = positionals;
    const known = Object.hasOwn(ofCommand, verb) ? ofCommand[verb] : undefined;
    if (!known || rest.length > 0) return "Say verify, export or show.";
    const stray = Object.keys(values).find((name) => !known.includes(name));
    if (stray) return `${verb} takes no --${stray}.`;
    if (verb === "verify") return readVerify(values.anchor ?? [], values.file ?? null);
    if (verb === "export") return readExport(values.format ?? "jsonl", values.from ?? "1");
    return { type: "show", request: values.request ?? null };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function readVerify(texts: readonly string[], file: string | null): AuditOptions | string {
  const anchors: Anchor[] = [];
  for (const text of texts) {
    const anchor = readAnchor(text);
    if (!anchor) return "An anchor is COUNT:HASH, as it was posted or as verify printed it.";
    anchors.push(anchor);
  }
  return { type: "verify", anchors, file };
}

function readExport(format: string, from: string): AuditOptions | string {
  if (format !== "jsonl" && format !== "cloudevents") return "--format is jsonl or cloudevents.";
  return /^[1-9]\d{0,14}$/.test(from) ? { type: "export", format, from: Number(from) } : "--from is a number from 1.";
}
