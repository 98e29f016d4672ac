/** What the authenticator fills in. Any other `{{…}}` stays as text. Source: renderTemplate in its pkg/server. */
export const TEMPLATES = [
  "{{EC2PrivateDNSName}}",
  "{{AccountID}}",
  "{{SessionName}}",
  "{{SessionNameRaw}}",
  "{{AccessKeyID}}",
] as const;

export interface TemplateValues {
  accountId: string;
  /** Empty for an IAM user, who has no session. */
  sessionName: string;
  /** Unknown where nobody's token was read: then the template stays. */
  accessKeyId?: string | undefined;
}

const INSTANCE_ID = /^i-(\w{8}|\w{17})$/;

/**
 * Fills a template in, in the authenticator's own order. Null where it refuses the caller: `{{EC2PrivateDNSName}}` and
 * a session that is no instance. The private DNS name itself is known to EC2 alone, so that template stays.
 */
export function render(template: string, values: TemplateValues): string | null {
  if (template.includes("{{EC2PrivateDNSName}}") && !INSTANCE_ID.test(values.sessionName)) return null;
  const rendered = template
    .replaceAll("{{AccountID}}", () => values.accountId)
    .replaceAll("{{SessionName}}", () => values.sessionName.replaceAll("@", "-"))
    .replaceAll("{{SessionNameRaw}}", () => values.sessionName);
  const { accessKeyId } = values;
  return accessKeyId === undefined ? rendered : rendered.replaceAll("{{AccessKeyID}}", () => accessKeyId);
}
