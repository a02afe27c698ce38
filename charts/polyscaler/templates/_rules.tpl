{{- /* Written by `make generate`; changes here are lost. */ -}}

{{- define "polyscaler.rules.clusterScopedKinds" }}
# What is to be scaled, and by what; looked at again when a status is refused.
- apiGroups: ["example.com"]
  resources: ["businessscalings"]
  verbs: ["get", "list", "watch"]
# Conditions, replicas, the last decision.
- apiGroups: ["example.com"]
  resources: ["businessscalings/status"]
  verbs: ["patch"]
{{- end }}

{{- define "polyscaler.rules.namespacedKinds" }}
# What is to be scaled, and by what; looked at again when a status is refused.
- apiGroups: ["autoscaling.example.com"]
  resources: ["generalscalers"]
  verbs: ["get", "list", "watch"]
# Conditions, replicas, the last decision.
- apiGroups: ["autoscaling.example.com"]
  resources: ["generalscalers/status"]
  verbs: ["patch"]
# What is to be scaled, and by what; looked at again when a status is refused.
- apiGroups: ["scaling.example.com"]
  resources: ["scalingrules"]
  verbs: ["get", "list", "watch"]
# Conditions, replicas, the last decision.
- apiGroups: ["scaling.example.com"]
  resources: ["scalingrules/status"]
  verbs: ["patch"]
# What is to be scaled, and by what; looked at again when a status is refused.
- apiGroups: ["polyscaler.dev"]
  resources: ["scalinggroups"]
  verbs: ["get", "list", "watch"]
# Conditions, replicas, the last decision.
- apiGroups: ["polyscaler.dev"]
  resources: ["scalinggroups/status"]
  verbs: ["patch"]
{{- end }}

{{- define "polyscaler.rules.targets" }}
# How many replicas there are, and how many of them are ready.
- apiGroups: ["apps"]
  resources: ["deployments", "replicasets", "statefulsets"]
  verbs: ["list", "watch"]
# Moving them.
- apiGroups: ["apps"]
  resources: ["deployments/scale", "replicasets/scale", "statefulsets/scale"]
  verbs: ["get", "update"]
{{- end }}

{{- define "polyscaler.rules.autoscalers" }}
# Whose targets are left alone.
- apiGroups: ["autoscaling"]
  resources: ["horizontalpodautoscalers"]
  verbs: ["list", "watch"]
{{- end }}

{{- define "polyscaler.rules.events" }}
# What changed, for `kubectl describe`.
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
{{- end }}

{{- define "polyscaler.rules.secrets" }}
# Credentials of metrics, read by name; never listed.
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get"]
{{- end }}

{{- define "polyscaler.rules.pods" }}
# Pods, for metrics that count them or measure what they use.
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["list"]
# What they use.
- apiGroups: ["metrics.k8s.io"]
  resources: ["pods"]
  verbs: ["list"]
{{- end }}

{{- define "polyscaler.rules.lease" }}
# The first leader makes the Lease.
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["create"]
# Who leads.
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  resourceNames: [{{ include "polyscaler.fullname" . | quote }}]
  verbs: ["get", "update"]
{{- end }}

{{- define "polyscaler.rules.certificateSecret" }}
# The webhook's certificate, which replicas share. It is applied, so its creation has a name.
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: [{{ include "polyscaler.certificateSecret" . | quote }}]
  verbs: ["get", "create", "patch"]
{{- end }}

{{- define "polyscaler.rules.webhookConfiguration" }}
# By which names the webhook is called, and its authority.
- apiGroups: ["admissionregistration.k8s.io"]
  resources: ["validatingwebhookconfigurations"]
  resourceNames: [{{ include "polyscaler.clusterName" . | quote }}]
  verbs: ["get", "patch"]
{{- end }}

{{- define "polyscaler.namespacedKinds" -}}
GeneralScaler,ScalingRule,ScalingGroup
{{- end }}

{{- define "polyscaler.userRoles" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-view" (include "polyscaler.clusterName" .) | quote }}
  labels:
    {{- include "polyscaler.labels" . | nindent 4 }}
    rbac.authorization.k8s.io/aggregate-to-view: "true"
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
    rbac.authorization.k8s.io/aggregate-to-admin: "true"
rules:
  # The objects.
  - apiGroups: ["autoscaling.example.com"]
    resources: ["generalscalers"]
    verbs: ["get", "list", "watch"]
  # Their status, by itself.
  - apiGroups: ["autoscaling.example.com"]
    resources: ["generalscalers/status"]
    verbs: ["get"]
  # The objects.
  - apiGroups: ["scaling.example.com"]
    resources: ["scalingrules"]
    verbs: ["get", "list", "watch"]
  # Their status, by itself.
  - apiGroups: ["scaling.example.com"]
    resources: ["scalingrules/status"]
    verbs: ["get"]
  # The objects.
  - apiGroups: ["polyscaler.dev"]
    resources: ["scalinggroups"]
    verbs: ["get", "list", "watch"]
  # Their status, by itself.
  - apiGroups: ["polyscaler.dev"]
    resources: ["scalinggroups/status"]
    verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-edit" (include "polyscaler.clusterName" .) | quote }}
  labels:
    {{- include "polyscaler.labels" . | nindent 4 }}
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
    rbac.authorization.k8s.io/aggregate-to-admin: "true"
rules:
  # The objects.
  - apiGroups: ["autoscaling.example.com"]
    resources: ["generalscalers"]
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
  # Their status, by itself.
  - apiGroups: ["autoscaling.example.com"]
    resources: ["generalscalers/status"]
    verbs: ["get"]
  # The objects.
  - apiGroups: ["scaling.example.com"]
    resources: ["scalingrules"]
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
  # Their status, by itself.
  - apiGroups: ["scaling.example.com"]
    resources: ["scalingrules/status"]
    verbs: ["get"]
  # The objects.
  - apiGroups: ["polyscaler.dev"]
    resources: ["scalinggroups"]
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
  # Their status, by itself.
  - apiGroups: ["polyscaler.dev"]
    resources: ["scalinggroups/status"]
    verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-cluster-scoped-view" (include "polyscaler.clusterName" .) | quote }}
  labels:
    {{- include "polyscaler.labels" . | nindent 4 }}
rules:
  # The objects.
  - apiGroups: ["example.com"]
    resources: ["businessscalings"]
    verbs: ["get", "list", "watch"]
  # Their status, by itself.
  - apiGroups: ["example.com"]
    resources: ["businessscalings/status"]
    verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-cluster-scoped-edit" (include "polyscaler.clusterName" .) | quote }}
  labels:
    {{- include "polyscaler.labels" . | nindent 4 }}
rules:
  # The objects.
  - apiGroups: ["example.com"]
    resources: ["businessscalings"]
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
  # Their status, by itself.
  - apiGroups: ["example.com"]
    resources: ["businessscalings/status"]
    verbs: ["get"]
{{- end }}
