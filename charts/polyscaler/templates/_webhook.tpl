{{- /* Written by `make generate`; changes here are lost. */ -}}

{{- define "polyscaler.webhook" -}}
name: validate.polyscaler.dev
admissionReviewVersions: [v1]
sideEffects: None
failurePolicy: Ignore
matchPolicy: Equivalent
timeoutSeconds: 5
rules:
  - apiGroups: ["example.com"]
    apiVersions: ["v1"]
    resources: ["businessscalings"]
    scope: Cluster
    operations: [CREATE, UPDATE]
  - apiGroups: ["autoscaling.example.com"]
    apiVersions: ["v1"]
    resources: ["generalscalers"]
    scope: Namespaced
    operations: [CREATE, UPDATE]
  - apiGroups: ["scaling.example.com"]
    apiVersions: ["v1"]
    resources: ["scalingrules"]
    scope: Namespaced
    operations: [CREATE, UPDATE]
  - apiGroups: ["polyscaler.dev"]
    apiVersions: ["v1alpha1"]
    resources: ["scalinggroups"]
    scope: Namespaced
    operations: [CREATE, UPDATE]
  - apiGroups: ["keda.sh"]
    apiVersions: ["v1alpha1"]
    resources: ["scaledobjects"]
    scope: Namespaced
    operations: [CREATE, UPDATE]
{{- end }}
