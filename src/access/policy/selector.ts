/** Labels of a cluster, or the values of each label that a selector wants, by their names. */
export type Labels = Readonly<Record<string, string>>;
export type WantedLabels = Readonly<Record<string, readonly string[]>>;

export type ClusterSelector = readonly string[] | WantedLabels;

/** Whether a cluster is among the named ones, or has one of the wanted values of each label. */
export function isSelected(selector: ClusterSelector, name: string, labels: Labels): boolean {
  return isByName(selector) ? selector.includes(name) : hasLabels(selector, labels);
}

export function isByName(selector: ClusterSelector): selector is readonly string[] {
  return Array.isArray(selector);
}

/** Whether a cluster has a wanted value of each label. */
export function hasLabels(wanted: WantedLabels, labels: Labels): boolean {
  return Object.entries(wanted).every(
    ([key, values]) => Object.hasOwn(labels, key) && values.includes(labels[key] ?? ""),
  );
}
