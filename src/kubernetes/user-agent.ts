/** How many characters of requests a header carries; the audit log of eks-access has them all. */
const longest = 200;

/**
 * What the API server's own audit log shows beside each call: us, and for which requests. A role's session name tells it too;
 * an IAM user that created a cluster has none.
 */
export function userAgentFor(requests: readonly string[]): string {
  // Of what may stand in a comment of the header (RFC 9110, 5.6.5), only what our ids are made of.
  const ids = requests.map((id) => id.replace(/[^\w-]/g, "")).filter((id) => id !== "");
  const shown: string[] = [];
  for (const id of ids) {
    if ([...shown, id].join(" ").length > longest) break;
    shown.push(id);
  }
  const left = ids.length - shown.length;
  const words = [...shown, ...(left > 0 ? [`and ${left} more`] : [])].join(" ");
  return words ? `eks-access (${words})` : "eks-access";
}
