{{- define "polyscaler.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- /* At most 52 characters: suffixes such as -metrics must fit into a name of 63. A release may have dots in its
       name and may begin with a digit; a Service must not. */ -}}
{{- define "polyscaler.fullname" -}}
{{- $name := include "polyscaler.name" . }}
{{- if .Values.fullnameOverride }}
{{- $name = .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- $name = .Release.Name }}
{{- else if regexMatch "^[0-9]" .Release.Name }}
{{- $name = printf "%s-%s" $name .Release.Name }}
{{- else }}
{{- $name = printf "%s-%s" .Release.Name $name }}
{{- end }}
{{- if regexMatch "^[0-9]" $name }}
{{- $name = printf "%s-%s" .Chart.Name $name }}
{{- end }}
{{- $name | replace "." "-" | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "polyscaler.selectorLabels" -}}
app.kubernetes.io/name: {{ include "polyscaler.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "polyscaler.labels" -}}
{{- include "polyscaler.labelsWith" (list . dict) }}
{{- end }}

{{- /* The labels of an object that has some of its own: (list ROOT LABELS). Those of the chart win over
       these, and these over commonLabels. */ -}}
{{- define "polyscaler.labelsWith" -}}
{{- $root := index . 0 }}
{{- $labels := include "polyscaler.selectorLabels" $root | fromYaml }}
{{- $chart := dict
      "app.kubernetes.io/version" $root.Chart.AppVersion
      "app.kubernetes.io/managed-by" $root.Release.Service
      "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") }}
{{- toYaml (merge $labels $chart (index . 1) $root.Values.commonLabels) }}
{{- end }}

{{- /* The image, by its digest where there is one. */ -}}
{{- define "polyscaler.image" -}}
{{- with .Values.image }}
{{- if and .digest (not .tag) }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The given map without what was set to null, which is how a default is taken away; nothing where none is left. */ -}}
{{- define "polyscaler.compact" -}}
{{- $kept := dict }}
{{- range $field, $value := . }}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $kept $field $value }}{{ end }}
{{- end }}
{{- with $kept }}{{ toYaml . }}{{ end }}
{{- end }}

{{- define "polyscaler.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "polyscaler.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* Objects outside the release's namespace have its name in theirs: two releases may have one name. */ -}}
{{- define "polyscaler.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "polyscaler.fullname" .) }}
{{- end }}

{{- define "polyscaler.certificateSecret" -}}
{{- printf "%s-certificate" (include "polyscaler.fullname" .) }}
{{- end }}

{{- /* The Secret that is mounted, or nothing where the operator makes its certificate itself. */ -}}
{{- define "polyscaler.mountedCertificate" -}}
{{- if .Values.webhook.certManager.enabled }}
{{- printf "%s-webhook-tls" (include "polyscaler.fullname" .) }}
{{- else }}
{{- .Values.webhook.existingSecret }}
{{- end }}
{{- end }}

{{- /* "true" where there is a webhook. */ -}}
{{- define "polyscaler.hasWebhook" -}}
{{- if and .Values.webhook.enabled (not .Values.rbac.namespaced) }}true{{ end }}
{{- end }}

{{- /* "true" where the external metrics API is served. */ -}}
{{- define "polyscaler.hasMetricsApi" -}}
{{- if and .Values.externalMetrics.enabled (not .Values.rbac.namespaced) }}true{{ end }}
{{- end }}

{{- /* The Service of the external metrics API: with its suffix it must fit into 63 characters. */ -}}
{{- define "polyscaler.metricsApiService" -}}
{{- printf "%s-external-metrics" (include "polyscaler.fullname" . | trunc 46 | trimSuffix "-") }}
{{- end }}

{{- /* The role for the external metrics API, with which the APIService goes. */ -}}
{{- define "polyscaler.metricsApiRole" -}}
{{- printf "%s-external-metrics" (include "polyscaler.clusterName" .) }}
{{- end }}

{{- /* "true" where replicas ask the one that leads. */ -}}
{{- define "polyscaler.hasPeers" -}}
{{- with .Values.operator }}
{{- $asked := or .activityServer.enabled (include "polyscaler.hasMetricsApi" $) }}
{{- if and .peers.enabled .leaderElection.enabled $asked (gt (int $.Values.replicaCount) 1) }}true{{ end }}
{{- end }}
{{- end }}

{{- /* "true" where anything is served over TLS. */ -}}
{{- define "polyscaler.hasCertificate" -}}
{{- if or (include "polyscaler.hasWebhook" .) (include "polyscaler.hasPeers" .) (include "polyscaler.hasMetricsApi" .) }}true{{ end }}
{{- end }}

{{- define "polyscaler.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "polyscaler.serviceAccountName" . | quote }}
    namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{- /* The address of a listener: (list ROOT PORT ENABLED). */ -}}
{{- define "polyscaler.address" -}}
{{- $root := index . 0 }}
{{- if index . 2 }}{{ $root.Values.operator.bindAddress }}:{{ index . 1 }}{{ else }}off{{ end }}
{{- end }}

{{- /*
The name of the CRD in a file, where the cluster has it and it is not of this release: somebody
applied it with kubectl, or another release left it behind. It stays theirs, as Helm would refuse
the whole release for its sake: (list ROOT PATH).
*/ -}}
{{- define "polyscaler.crdOfOthers" -}}
{{- $release := (index . 0).Release }}
{{- $name := base (index . 1) | trimSuffix ".yaml" }}
{{- with lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name }}
{{- $annotations := .metadata.annotations | default dict }}
{{- $owner := printf "%s/%s" (get $annotations "meta.helm.sh/release-namespace") (get $annotations "meta.helm.sh/release-name") }}
{{- if ne $owner (printf "%s/%s" $release.Namespace $release.Name) }}{{ $name }}{{ end }}
{{- end }}
{{- end }}

{{- /* What a schema cannot say: values that contradict one another. */ -}}
{{- define "polyscaler.validate" -}}
{{- $operator := .Values.operator }}
{{- if and (gt (int .Values.replicaCount) 1) (not $operator.leaderElection.enabled) }}
{{- fail "operator.leaderElection.enabled: replicas without a leader would all scale; turn it on, or set replicaCount to 1" }}
{{- end }}
{{- if and .Values.rbac.namespaced (not $operator.namespaces) }}
{{- fail "operator.namespaces: with rbac.namespaced, name the namespaces to act in" }}
{{- end }}
{{- if and .Values.rbac.namespaced (include "polyscaler.readsLabels" .) }}
{{- fail "operator.defaults.namespaces: with rbac.namespaced the operator cannot watch namespaces; name them in names, without matchLabels" }}
{{- end }}
{{- if and .Values.rbac.namespaced $operator.namespaceSelector }}
{{- fail "operator.namespaceSelector: with rbac.namespaced the operator cannot watch namespaces; name them in operator.namespaces" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not (and $operator.metrics.enabled .Values.metricsService.enabled)) }}
{{- fail "serviceMonitor.enabled: it needs operator.metrics.enabled and metricsService.enabled" }}
{{- end }}
{{- if and .Values.prometheusRule.enabled (not $operator.metrics.enabled) }}
{{- fail "prometheusRule.enabled: without operator.metrics.enabled there is nothing to be alerted about" }}
{{- end }}
{{- $ports := list (int $operator.health.port) }}
{{- range list $operator.metrics $operator.activityServer }}
{{- if .enabled }}{{ $ports = append $ports (int .port) }}{{ end }}
{{- end }}
{{- if include "polyscaler.hasWebhook" . }}{{ $ports = append $ports (int .Values.webhook.port) }}{{ end }}
{{- if include "polyscaler.hasMetricsApi" . }}{{ $ports = append $ports (int .Values.externalMetrics.port) }}{{ end }}
{{- if include "polyscaler.hasPeers" . }}{{ $ports = append $ports (int $operator.peers.port) }}{{ end }}
{{- if ne (len $ports) (len (uniq $ports)) }}
{{- fail "operator.metrics.port, operator.health.port, operator.activityServer.port, operator.peers.port, webhook.port and externalMetrics.port must differ from one another" }}
{{- end }}
{{- if and .Values.webhook.existingSecret .Values.webhook.certManager.enabled }}
{{- fail "webhook.existingSecret: with webhook.certManager.enabled there is another Secret; set only one of the two" }}
{{- end }}
{{- end }}

{{- /* Whether a part of the defaults chooses namespaces by their labels. */ -}}
{{- define "polyscaler.readsLabels" -}}
{{- range .Values.operator.defaults.namespaces }}
{{- if .matchLabels }}true{{ end }}
{{- end }}
{{- end }}
