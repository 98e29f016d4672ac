import { AccessError } from "../access/access-error.ts";
import { isRecord } from "../access/collections.ts";
import { leasesAnnotation, leasesThatFit, noRoomWords, roomIn } from "../access/lease/annotation.ts";
import { annotationsOf, type ConfigMapFile } from "./config-map.ts";
import { type Entry, type Problem, SECTIONS } from "./document.ts";
import { hasTwice } from "./field-problems.ts";
import { LINE_BREAK } from "./go-yaml/cursor.ts";
import { parseDocument } from "./parse.ts";
import { type Identity, resolve } from "./resolve.ts";
import { misspelt } from "./section-problems.ts";

type FileProblem = Omit<Problem, "key"> & { line: number; column: number };

type EntryReport = Pick<Entry, "section" | "arn" | "username" | "groups" | "line" | "reachable">;

export interface FileReport {
  ok: boolean;
  problems: readonly FileProblem[];
  entries: readonly EntryReport[];
  /** The identity of each caller in question; null: no access. */
  resolved: Readonly<Record<string, Identity | null>>;
}

export function checkFile(file: ConfigMapFile, arns: readonly string[]): FileReport {
  const document = parseDocument(file.data);
  const locate = locator(file);
  const found = document.problems.map(({ key, code, severity, section, line, column, message, remedy }) => {
    const place = locate(section ?? key ?? "", line, column);
    return { code, severity, section, ...place, message: withFileLines(message, file, locate), remedy };
  });
  const ofObject = [
    misnamedProblems,
    repeatedProblems,
    binaryProblems,
    roomProblems,
    immutableProblems,
    notTextProblems,
  ];
  const outside = ofObject.flatMap((problemsIn) => problemsIn(file));
  const problems = [...misplacedProblems(file, locate), ...outside, ...found].sort(
    (a, b) => a.line - b.line || a.column - b.column,
  );
  return {
    ok: problems.every((problem) => problem.severity === "notice"),
    problems,
    entries: document.entries.map(({ section, arn, username, groups, line, column, reachable }) => {
      return { section, arn, username, groups, line: locate(section, line, column).line, reachable };
    }),
    resolved: Object.fromEntries(arns.map((arn) => [arn, resolve(document, arn)])),
  };
}

const CONFIG_MAP_FIELDS = new Set(["apiVersion", "kind", "metadata", "data", "binaryData", "immutable"]);

/** Fields beside `data`, where a lost indentation puts a section, or the rest of one. */
function misplacedProblems({ form, object, map, line, data }: ConfigMapFile, locate: Locate): FileProblem[] {
  if (form !== "config-map") return [];
  const misplaced = Object.keys(object).filter((name) => !CONFIG_MAP_FIELDS.has(name));
  return misplaced.map((name) => {
    const start = map?.fields.get(name)?.key.start;
    const place = start ? { line: line + start.line + 1, column: start.column + 1 } : locate(name, null, null);
    const message = `${JSON.stringify(name)} is no field of a ConfigMap.`;
    const remedy = misplacedRemedy(name, data);
    return { code: "field-misplaced", severity: "error", section: null, ...place, message, remedy };
  });
}

function misplacedRemedy(name: string, data: ConfigMapFile["data"]): string {
  const field = [...CONFIG_MAP_FIELDS].find((known) => known.toLowerCase() === name.toLowerCase());
  if (field !== undefined) return `Write ${field}.`;
  if (!SECTIONS.some((section) => section === name)) return "Indent it, or remove it.";
  return Object.hasOwn(data, name) ? `Move its entries to ${name} under data.` : "Indent it under data.";
}

function binaryProblems(file: ConfigMapFile): FileProblem[] {
  return inBinaryData(file.object).map(({ name, key: _, ...problem }) => {
    return { ...problem, ...placeIn(file, "binaryData", name) };
  });
}

/** The API server takes sections there, and the authenticator reads none of them. */
export function inBinaryData({ binaryData }: { readonly binaryData?: unknown }) {
  return SECTIONS.filter((name) => isRecord(binaryData) && Object.hasOwn(binaryData, name)).map((name) => {
    return { ...misspelt(`binaryData.${name}`, `${name} under data`, true), code: "field-misplaced", name };
  });
}

/** The authenticator reads one object alone. A file without a name can get it elsewhere. */
function misnamedProblems(file: ConfigMapFile): FileProblem[] {
  const { form, object } = file;
  const metadata = form === "config-map" && isRecord(object.metadata) ? object.metadata : {};
  const wanted = { name: "aws-auth", namespace: "kube-system" } as const;
  return (["name", "namespace"] as const).flatMap((field) => {
    const found = metadata[field];
    if (typeof found !== "string" || found === wanted[field]) return [];
    const { severity, message, remedy } = misspelt(found, wanted[field], false);
    const at = placeIn(file, "metadata", field);
    return [{ code: "config-map-misnamed", severity, section: null, ...at, message, remedy }];
  });
}

function repeatedProblems({ repeated }: ConfigMapFile): FileProblem[] {
  return repeated.map(({ key, ...at }) => {
    const message = hasTwice("The ConfigMap", onOneLine(key), "kubectl");
    return { code: "field-repeated", severity: "error", section: null, ...at, message, remedy: "Keep one." };
  });
}

/** Of a field of a field; if it is unknown, that of the outer one. */
function placeIn({ map, line, text }: ConfigMapFile, outer: string, inner: string): FilePlace {
  const value = map?.fields.get(outer)?.value;
  const start = value?.type === "map" ? value.fields.get(inner)?.key.start : undefined;
  if (!start) return keyPlace(text.split(LINE_BREAK), outer);
  return { line: line + start.line + 1, column: start.column + 1 };
}

/** Without room for its memory, no lease begins in the document. */
function roomProblems(file: ConfigMapFile): FileProblem[] {
  const annotations = annotationsOf(file);
  const room = roomIn(annotations);
  if (!room.largest || leasesThatFit(room, annotations[leasesAnnotation]) > 0) return [];
  const largest = { ...room.largest, name: onOneLine(room.largest.name) };
  const at = keyPlace(file.text.split(LINE_BREAK), "annotations");
  const message = noRoomWords("aws-auth", { ...room, largest });
  return [{ code: "annotation-full", severity: "warning", section: null, ...at, message, remedy: "Remove it." }];
}

function immutableProblems({ form, object, text }: ConfigMapFile): FileProblem[] {
  if (form !== "config-map" || object.immutable !== true) return [];
  const at = keyPlace(text.split(LINE_BREAK), "immutable");
  const { code, remedy } = new AccessError("document-immutable", "");
  return [{ code, severity: "warning", section: null, ...at, message: "It is immutable.", remedy }];
}

function notTextProblems({ notText }: ConfigMapFile): FileProblem[] {
  return notText.map(({ key, line, column }) => {
    const section = SECTIONS.find((name) => name === key) ?? null;
    const { message, remedy } = notTextWords(key);
    return { code: "section-not-text", severity: "error", section, line, column, message, remedy };
  });
}

export function notTextWords(key: string): Pick<Problem, "message" | "remedy"> {
  const name = onOneLine(key);
  return { message: `The value of ${name} is not text.`, remedy: `Write ${name}: | above its lines.` };
}

/** A name is from outside: one with a line break would write a line of its own. */
function onOneLine(name: string): string {
  return /^[\w./-]+$/.test(name) ? name : JSON.stringify(name);
}

type FilePlace = { line: number; column: number };

type Locate = (section: string, line: number | null, column: number | null) => FilePlace;

/** Translates a section's places into the file's, all from 1. Exact for a literal block (`|`); for other text, the text's start. */
export function locator(file: ConfigMapFile): Locate {
  const fileLines = file.text.split(LINE_BREAK);
  const sectionLines = new Map<string, string[]>();
  return (section, line, column) => {
    const node = file.nodes.get(section);
    if (node === undefined) return keyPlace(fileLines, section);
    const start = { line: file.line + node.start.line + 1, column: node.start.column + 1 };
    if (node.style !== "literal" || line === null) return start;
    const lines = sectionLines.get(section) ?? node.value.split(LINE_BREAK);
    sectionLines.set(section, lines);
    const indent = (fileLines[start.line + line - 1]?.length ?? 0) - (lines[line - 1]?.length ?? 0);
    return { line: start.line + line, column: Math.max(indent, 0) + (column ?? 1) };
  };
}

const SECTION_LINE = /(map(?:Roles|Users|Accounts)), line (\d+)|line (\d+) of (map(?:Roles|Users|Accounts))/g;

/** A sentence that names lines of sections, with those of the file where that is exact. */
export function withFileLines(sentence: string, file: ConfigMapFile, locate = locator(file)): string {
  return sentence.replaceAll(SECTION_LINE, (given, first, line, other, second) => {
    const section: string = first ?? second;
    if (file.nodes.get(section)?.style !== "literal") return given;
    const place = `line ${locate(section, Number(line ?? other), null).line} of the file`;
    return first === undefined ? place : `${section}, ${place}`;
  });
}

function keyPlace(lines: readonly string[], key: string): FilePlace {
  const line = lines.findIndex((text) => text.includes(`"${key}"`) || text.includes(`${key}:`));
  if (line < 0) return { line: 1, column: 1 };
  return { line: line + 1, column: (lines[line]?.indexOf(key) ?? 0) + 1 };
}

const LEVELS = { error: "error", warning: "warning", notice: "note" } as const;

/** Problems as SARIF 2.1.0, for code scanning. `path`: of the checked file, relative to the repository. */
export function toSarif(problems: readonly FileProblem[], path: string) {
  const codes = [...new Set(problems.map((problem) => problem.code))].sort();
  const uri = path === "-" ? "stdin" : path.split(/[\\/]/).map(encodeURIComponent).join("/");
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "eks-access", rules: codes.map((id) => ({ id })) } },
        columnKind: "utf16CodeUnits",
        results: problems.map((problem) => ({
          ruleId: problem.code,
          ruleIndex: codes.indexOf(problem.code),
          level: LEVELS[problem.severity],
          message: { text: `${problem.message} ${problem.remedy}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri },
                region: { startLine: problem.line, startColumn: problem.column },
              },
            },
          ],
        })),
      },
    ],
  };
}
