type Settings = Readonly<Record<string, unknown>>;

/** A configuration in which each cluster has all of its settings. */
export interface Inherited {
  readonly file: unknown;
  /** Where the setting at this path was written. */
  readonly sourceOf: (path: readonly PropertyKey[]) => readonly PropertyKey[];
  readonly problems: readonly string[];
}

/**
 * Gives each cluster the settings that it does not write itself: those of its templates, the last one first, then those of
 * `defaults`. `{name}`, `{account}` and `{region}` in them are the cluster's own. `eksName` is its name. Keys that begin with `x-`
 * hold only anchors.
 */
export function inherit(file: unknown): Inherited {
  const unchanged = { file, sourceOf: (path: readonly PropertyKey[]) => path, problems: [] };
  if (!isSettings(file) || !isSettings(file.clusters)) return unchanged;
  const { defaults, templates, clusters, ...rest } = file;
  const known = isSettings(templates) ? templates : {};
  const layers: readonly Layer[] = isSettings(defaults) ? [{ path: ["defaults"], settings: defaults }] : [];
  const read = Object.entries(clusters).map(([name, own]) => [name, clusterOf(name, own, layers, known)] as const);
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
    problems: [...blocks({ defaults, templates }), ...read.flatMap(([, { problems }]) => problems)],
  };
}

interface Layer {
  readonly path: readonly string[];
  readonly settings: Settings;
}

function clusterOf(name: string, own: unknown, defaults: readonly Layer[], templates: Settings) {
  if (!isSettings(own)) return { settings: own, sources: new Map<string, readonly string[]>(), problems: [] };
  const { template = [], ...written } = own;
  const named = [template].flat().map(String);
  const problems = named
    .filter((each) => !isSettings(templates[each]) || !Object.hasOwn(templates, each))
    .map((each) => `clusters.${name}.template: there is no template ${each}. ${thereAre(Object.keys(templates))}`);
  const layers = [...defaults, ...named.flatMap((each) => layerOf(templates, each))];
  const shared = new Map(
    layers.flatMap(({ path, settings }) => Object.keys(settings).map((key) => [key, path] as const)),
  );
  const sources = new Map([...shared].filter(([key]) => !Object.hasOwn(written, key)));
  const values: Settings = {
    eksName: name,
    ...Object.assign({}, ...layers.map(({ settings }) => settings)),
    ...written,
  };
  const fill = fillerFor({ name, account: values.account, region: values.region });
  const filled = Object.entries(values).map(([key, value]) => [key, sources.has(key) ? fill(value) : value]);
  return { settings: Object.fromEntries(filled), sources, problems };
}

function layerOf(templates: Settings, name: string): Layer[] {
  const settings = Object.hasOwn(templates, name) ? templates[name] : null;
  return isSettings(settings) ? [{ path: ["templates", name], settings }] : [];
}

function thereAre(names: readonly string[]): string {
  return names.length > 0
    ? `Use one of ${names.join(", ")}, or define it under templates.`
    : "Define it under templates.";
}

function blocks(written: Settings): string[] {
  return Object.entries(written)
    .filter(([, value]) => value !== undefined && !isSettings(value))
    .map(([key]) => `${key}: write a block of settings.`);
}

type Filler = (value: unknown) => unknown;

/** Fills in the placeholders of each text in a value. A value that many names share is filled in once. */
function fillerFor(places: Settings): Filler {
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

function fillBlock(value: object, fill: Filler): Settings {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill(each)]));
}

function filledText(text: string, places: Settings): string {
  return text.replace(/\{(name|account|region)\}/g, (place, key: string) => {
    const value = places[key];
    return typeof value === "string" ? value : place;
  });
}

function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
