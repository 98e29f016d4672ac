{{/* What both processes share. `.name` is the workload's, `.of` its values, `.root` the chart's scope. */}}

{{- define "eks-access.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "eks-access.placement" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: { app.kubernetes.io/name: {{ .name }} }
  # A zone may have one node: two pods of it would go with it.
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: { app.kubernetes.io/name: {{ .name }} }
{{- with .root.Values.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .of.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "eks-access.env" -}}
- { name: HEALTH_PORT, value: "8080" }
- { name: EKS_ACCESS_CONFIG, value: /etc/eks-access/eks-access.yml }
{{- with .of.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "eks-access.liveness" -}}
# Without Redis the process waits by itself, and a restart brings nothing back: /healthz only says that the
# process answers.
startupProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
{{- end -}}

{{- define "eks-access.container" -}}
resources:
  {{- toYaml .of.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: config, mountPath: /etc/eks-access, readOnly: true }
  - { name: tmp, mountPath: /tmp }
{{- end -}}

{{- define "eks-access.volumes" -}}
- name: config
  configMap: { name: {{ .root.Values.configMap }} }
- name: tmp
  emptyDir: { sizeLimit: 16Mi }
{{- end -}}
