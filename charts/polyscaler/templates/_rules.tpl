{{- /* Written by `make generate`; changes here are lost. */ -}}

{{- define "polyscaler.rules.clusterScopedKinds" }}
# The objects; read again when a write of their status is refused.
- apiGroups: ["example.com"]
  resources: ["businessscalings"]
  verbs: ["get", "list", "watch"]
# Their status.
- apiGroups: ["example.com"]
  resources: ["businessscalings/status"]
  verbs: ["patch"]
# Objects that others refer to.
- apiGroups: ["keda.sh"]
  resources: ["clustertriggerauthentications"]
  verbs: ["list", "watch"]
# Who refers to them, in their status.
- apiGroups: ["keda.sh"]
  resources: ["clustertriggerauthentications/status"]
  verbs: ["patch"]
# Their finalizers.
- apiGroups: ["keda.sh"]
  resources: ["clustertriggerauthentications"]
  verbs: ["patch"]
{{- end }}

{{- define "polyscaler.rules.namespacedKinds" }}
# The objects; read again when a write of their status is refused.
- apiGroups: ["autoscaling.example.com"]
  resources: ["generalscalers"]
  verbs: ["get", "list", "watch"]
# Their status.
- apiGroups: ["autoscaling.example.com"]
  resources: ["generalscalers/status"]
  verbs: ["patch"]
# The objects; read again when a write of their status is refused.
- apiGroups: ["scaling.example.com"]
  resources: ["scalingrules"]
  verbs: ["get", "list", "watch"]
# Their status.
- apiGroups: ["scaling.example.com"]
  resources: ["scalingrules/status"]
  verbs: ["patch"]
# The objects; read again when a write of their status is refused.
- apiGroups: ["polyscaler.dev"]
  resources: ["scalinggroups"]
  verbs: ["get", "list", "watch"]
# Their status.
- apiGroups: ["polyscaler.dev"]
  resources: ["scalinggroups/status"]
  verbs: ["patch"]
# The objects; read again when a write of their status is refused.
- apiGroups: ["keda.sh"]
  resources: ["scaledobjects"]
  verbs: ["get", "list", "watch"]
# Their status.
- apiGroups: ["keda.sh"]
  resources: ["scaledobjects/status"]
  verbs: ["patch"]
# The memory of decisions, in an annotation, and finalizers.
- apiGroups: ["keda.sh"]
  resources: ["scaledobjects"]
  verbs: ["patch"]
# Objects that others refer to.
- apiGroups: ["keda.sh"]
  resources: ["triggerauthentications"]
  verbs: ["list", "watch"]
# Who refers to them, in their status.
- apiGroups: ["keda.sh"]
  resources: ["triggerauthentications/status"]
  verbs: ["patch"]
# Their finalizers.
- apiGroups: ["keda.sh"]
  resources: ["triggerauthentications"]
  verbs: ["patch"]
{{- end }}

{{- define "polyscaler.rules.targets" }}
# Replicas of targets, and how many of them are ready.
- apiGroups: ["apps"]
  resources: ["deployments", "replicasets", "statefulsets"]
  verbs: ["list", "watch"]
# Scaling them.
- apiGroups: ["apps"]
  resources: ["deployments/scale", "replicasets/scale", "statefulsets/scale"]
  verbs: ["get", "update"]
{{- end }}

{{- define "polyscaler.rules.autoscalers" }}
# HPAs, whose targets are not scaled.
- apiGroups: ["autoscaling"]
  resources: ["horizontalpodautoscalers"]
  verbs: ["list", "watch"]
# HPAs that objects own.
- apiGroups: ["autoscaling"]
  resources: ["horizontalpodautoscalers"]
  verbs: ["get", "create", "update", "delete"]
# To own an HPA.
- apiGroups: ["keda.sh"]
  resources: ["scaledobjects/finalizers"]
  verbs: ["update"]
{{- end }}

{{- define "polyscaler.rules.events" }}
# Events, for `kubectl describe`.
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
# Pods, for metrics that count them or measure their use.
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["list", "watch"]
# Use of pods.
- apiGroups: ["metrics.k8s.io"]
  resources: ["pods"]
  verbs: ["list"]
# Owners of pods.
- apiGroups: ["apps"]
  resources: ["replicasets"]
  verbs: ["get"]
# Endpoints of Services, for metrics that ask all of them.
- apiGroups: ["discovery.k8s.io"]
  resources: ["endpointslices"]
  verbs: ["list"]
{{- end }}

{{- define "polyscaler.rules.adapters" }}
# Metrics that adapters publish.
- apiGroups: ["custom.metrics.k8s.io"]
  resources: ["*"]
  verbs: ["get", "list"]
# Metrics that adapters publish.
- apiGroups: ["external.metrics.k8s.io"]
  resources: ["*"]
  verbs: ["get", "list"]
{{- end }}

{{- define "polyscaler.rules.namespaces" }}
# Which namespaces are selected by their labels.
- apiGroups: [""]
  resources: ["namespaces"]
  verbs: ["list", "watch"]
{{- end }}

{{- define "polyscaler.rules.leases" }}
# Whether another installation acts on the same objects.
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["list"]
{{- end }}

{{- define "polyscaler.rules.lease" }}
# The first leader creates the Lease.
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
# The host names of the webhook, and its certificate authority.
- apiGroups: ["admissionregistration.k8s.io"]
  resources: ["validatingwebhookconfigurations"]
  resourceNames: [{{ include "polyscaler.clusterName" . | quote }}]
  verbs: ["get", "patch"]
{{- end }}

{{- define "polyscaler.rules.workloads" }}
# Requests of containers, which the HPA measures by.
- apiGroups: ["apps"]
  resources: ["deployments", "statefulsets"]
  verbs: ["get"]
# Default requests of namespaces.
- apiGroups: [""]
  resources: ["limitranges"]
  verbs: ["list"]
{{- end }}

{{- define "polyscaler.rules.apiService" }}
# The external metrics API is registered where there is none.
- apiGroups: ["apiregistration.k8s.io"]
  resources: ["apiservices"]
  verbs: ["create"]
# Whose it is, and its certificate authority.
- apiGroups: ["apiregistration.k8s.io"]
  resources: ["apiservices"]
  resourceNames: ["v1beta1.external.metrics.k8s.io"]
  verbs: ["get", "patch"]
{{- end }}

{{- define "polyscaler.rules.apiServiceOwner" }}
# The APIService is deleted with this role.
- apiGroups: ["rbac.authorization.k8s.io"]
  resources: ["clusterroles"]
  resourceNames: [{{ include "polyscaler.metricsApiRole" . | quote }}]
  verbs: ["get"]
{{- end }}

{{- define "polyscaler.rules.callers" }}
# How the front proxy of the API server is known.
- apiGroups: [""]
  resources: ["configmaps"]
  resourceNames: ["extension-apiserver-authentication"]
  verbs: ["get"]
# Who calls.
- apiGroups: ["authentication.k8s.io"]
  resources: ["tokenreviews"]
  verbs: ["create"]
# What callers may do.
- apiGroups: ["authorization.k8s.io"]
  resources: ["subjectaccessreviews"]
  verbs: ["create"]
{{- end }}

{{- define "polyscaler.namespacedKinds" -}}
GeneralScaler,ScalingRule,ScalingGroup,ScaledObject
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
  # The objects.
  - apiGroups: ["keda.sh"]
    resources: ["scaledobjects"]
    verbs: ["get", "list", "watch"]
  # Their status, by itself.
  - apiGroups: ["keda.sh"]
    resources: ["scaledobjects/status"]
    verbs: ["get"]
  # Objects that others refer to.
  - apiGroups: ["keda.sh"]
    resources: ["triggerauthentications"]
    verbs: ["get", "list", "watch"]
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
  # The objects.
  - apiGroups: ["keda.sh"]
    resources: ["scaledobjects"]
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
  # Their status, by itself.
  - apiGroups: ["keda.sh"]
    resources: ["scaledobjects/status"]
    verbs: ["get"]
  # Objects that others refer to.
  - apiGroups: ["keda.sh"]
    resources: ["triggerauthentications"]
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
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
  # Objects that others refer to.
  - apiGroups: ["keda.sh"]
    resources: ["clustertriggerauthentications"]
    verbs: ["get", "list", "watch"]
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
  # Objects that others refer to.
  - apiGroups: ["keda.sh"]
    resources: ["clustertriggerauthentications"]
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
{{- end }}
