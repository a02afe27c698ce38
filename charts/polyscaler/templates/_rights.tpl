{{- /* The rights that the operator needs wherever it acts. The rules themselves come from
       _rules.tpl; here stands what values add to them and take away. */ -}}
{{- define "polyscaler.rights" }}
{{- include "polyscaler.rules.namespacedKinds" . }}
{{- include "polyscaler.rules.targets" . }}
{{- include "polyscaler.rules.workloads" . }}
{{- range .Values.rbac.targets }}
# Asked for by rbac.targets.
- apiGroups: [{{ .apiGroup | quote }}]
  resources: [{{ range $index, $name := .resources }}{{ if $index }}, {{ end }}{{ printf "%s/scale" $name | quote }}{{ end }}]
  verbs: ["get", "update"]
{{- $named := without .resources "*" }}
{{- if and $named (ne .apiGroup "*") }}
# When they were last scaled, for a new leader.
- apiGroups: [{{ .apiGroup | quote }}]
  resources: {{ toJson $named }}
  verbs: ["get"]
{{- end }}
{{- end }}
{{- include "polyscaler.rules.autoscalers" . }}
{{- include "polyscaler.rules.events" . }}
{{- include "polyscaler.rules.leases" . }}
{{- if .Values.rbac.secrets.enabled }}
{{- include "polyscaler.rules.secrets" . }}
{{- with .Values.rbac.secrets.names }}
  resourceNames: {{ toJson . }}
{{- end }}
{{- end }}
{{- if or .Values.operator.namespaceSelector (include "polyscaler.readsLabels" .) }}
{{- include "polyscaler.rules.namespaces" . }}
{{- end }}
{{- if .Values.rbac.pods }}
{{- include "polyscaler.rules.pods" . }}
{{- end }}
{{- if or .Values.rbac.metricsAdapters .Values.operator.observeHpas }}
{{- include "polyscaler.rules.adapters" . }}
{{- end }}
{{- end }}

{{- /* One role with its binding: (dict "root" . "kind" "Role" "name" "x" "namespace" "y" "rules" "...").
       A ClusterRole has no namespace. */ -}}
{{- define "polyscaler.role" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ .name | quote }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels: {{- include "polyscaler.labels" .root | nindent 4 }}
rules: {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name | quote }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels: {{- include "polyscaler.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name | quote }}
{{ include "polyscaler.subjects" .root }}
{{- end }}
