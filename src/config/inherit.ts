export type FileSettings = Readonly<Record<string, unknown>>;

/** A configuration in which each cluster has all of its settings. */
export interface Inherited {
  readonly file: unknown;
  /** `defaults` and `templates`, with an example's values in the placeholders. */
  readonly shared: FileSettings;
  /** Where the setting at this path was written. */
  readonly sourceOf: (path: readonly PropertyKey[]) => readonly PropertyKey[];
  readonly problems: readonly string[];
}

/**
 * Gives each cluster the settings that it does not write itself: those of its templates, the last one first, then those of
 * `defaults`. `{name}`, `{account}` and `{region}` in them are the cluster's own. `eksName` is its name. Keys that begin with `x-`
 * hold only anchors. @param all the names of a cluster's settings
 */
export function inherit(file: unknown, all: readonly string[]): Inherited {
  const unchanged = { file, shared: {}, sourceOf: (path: readonly PropertyKey[]) => path, problems: [] };
  if (!isRecord(file)) return unchanged;
  const { defaults = {}, templates = {}, clusters, ...rest } = file;
  const example = { name: "name", account: "111122223333", region: "eu-central-1" };
  const shared = fillBlock({ defaults, templates }, (each) => fillerFor(example)(each));
  if (!isRecord(clusters)) return { ...unchanged, shared };
  const hidden = Object.fromEntries(all.map((key) => [key, unknownSetting]));
  const layers = [{ path: ["defaults"], settings: isRecord(defaults) ? defaults : hidden }];
  const read = Object.entries(clusters).map(
    ([name, own]) => [name, clusterOf(name, own, { layers, templates, hidden })] as const,
  );
  const sources = new Map(read.map(([name, { sources: of }]) => [name, of]));
  return {
    file: {
      ...Object.fromEntries(Object.entries(rest).filter(([key]) => !key.startsWith("x-"))),
      clusters: Object.fromEntries(read.map(([name, { settings }]) => [name, settings])),
    },
    sourceOf: (path) => {
      const [room, name, setting, ...deeper] = path;
      const source = room === "clusters" ? sources.get(String(name))?.get(String(setting)) : undefined;
      return source ? [...source, setting ?? "", ...deeper] : path;
    },
    shared,
    problems: read.flatMap(([, { problems }]) => problems),
  };
}

/** A setting that a cluster would take from what has no form of `defaults` or of a template. */
export const unknownSetting = Symbol("unknown setting");

type Layer = { readonly path: readonly string[]; readonly settings: FileSettings };

interface Shared {
  readonly layers: readonly Layer[];
  /** Of any form. */
  readonly templates: unknown;
  /** The settings of a layer that has none of its own. */
  readonly hidden: FileSettings;
}

function clusterOf(name: string, own: unknown, { layers: defaults, templates, hidden }: Shared) {
  if (!isRecord(own)) return { settings: own, sources: new Map<string, readonly string[]>(), problems: [] };
  const { template = [], ...written } = own;
  const named = [template].flat().map(String);
  const problems = named.flatMap((each) => missingTemplate(each, templates, `clusters.${name}.template`));
  const layers = [...defaults, ...named.map((each) => layerOf(templates, each) ?? { path: [], settings: hidden })];
  const shared = new Map(
    layers.flatMap(({ path, settings }) => Object.keys(settings).map((key) => [key, path] as const)),
  );
  const sources = new Map([...shared].filter(([key]) => !Object.hasOwn(written, key)));
  const values: FileSettings = {
    eksName: name,
    ...Object.assign({}, ...layers.map(({ settings }) => settings)),
    ...written,
  };
  const fill = fillerFor({ name, account: values.account, region: values.region });
  const filled = Object.entries(values).map(([key, value]) => [key, sources.has(key) ? fill(value) : value]);
  return { settings: Object.fromEntries(filled), sources, problems };
}

function layerOf(templates: unknown, name: string): Layer | null {
  const settings = isRecord(templates) && Object.hasOwn(templates, name) ? templates[name] : null;
  return isRecord(settings) ? { path: ["templates", name], settings } : null;
}

/** The problem of a name that no template has. */
export function missingTemplate(name: string, templates: unknown, path: string): readonly string[] {
  if (!isRecord(templates) || Object.hasOwn(templates, name)) return [];
  return [unknown("template", name, path, Object.keys(templates))];
}

type Filler = (value: unknown) => unknown;

/** Fills in the placeholders of each text in a value. A value that many names share is filled in once. */
function fillerFor(places: FileSettings): Filler {
  const done = new Map<object, unknown>();
  const fill: Filler = (value) => {
    if (typeof value === "string") return filledText(value, places);
    if (typeof value !== "object" || value === null) return value;
    // A value that contains itself is refused later.
    if (!done.has(value))
      done.set(value, value).set(value, Array.isArray(value) ? value.map(fill) : fillBlock(value, fill));
    return done.get(value);
  };
  return fill;
}

function fillBlock(value: object, fill: Filler): FileSettings {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill(each)]));
}

function filledText(text: string, places: FileSettings): string {
  return text.replace(/\{(name|account|region)\}/g, (place, key: string) => {
    const value = places[key];
    return typeof value === "string" ? value : place;
  });
}

import { isRecord } from "../access/collections.ts";
import { unknown } from "./forms.ts";
