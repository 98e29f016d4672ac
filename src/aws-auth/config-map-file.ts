import type { ScalarNode } from "./go-yaml/node.ts";
import type { MapValue } from "./go-yaml/value.ts";

/** A file that holds aws-auth: a ConfigMap as YAML or JSON, or the bare data of one. */
export interface ConfigMapFile {
  readonly text: string;
  readonly form: "config-map" | "bare";
  /** The whole object, or the bare data, as plain values. */
  readonly object: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, string>>;
  /** Where the value of each key of the data is written; missing where that is not known. */
  readonly nodes: ReadonlyMap<string, ScalarNode>;
  /** The mapping that holds the data, where it is written out in YAML. */
  readonly dataMap: MapValue | null;
  /** Offset and line at which the YAML document begins that was read; a file may hold several. */
  readonly offset: number;
  readonly line: number;
  /** Keys of the data that hold something other than text, which the API server refuses. */
  readonly notText: readonly { readonly key: string; readonly line: number; readonly column: number }[];
}

/** The name that an object has as a Kubernetes resource. */
export function nameOf({ metadata }: Readonly<Record<string, unknown>>): unknown {
  return isRecord(metadata) ? metadata.name : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
