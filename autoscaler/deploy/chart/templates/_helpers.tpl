{{- define "infless.name" -}}
{{- printf "%s-autoscaler" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "infless.selector" -}}
app.kubernetes.io/name: infless-autoscaler
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "infless.labels" -}}
{{ include "infless.selector" . }}
app.kubernetes.io/part-of: infless
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "infless.image" -}}
{{- if .Values.image.digest -}}
{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{- define "infless.basicAuthSecret" -}}
{{- .Values.basicAuth.existingSecret | default (printf "%s-basic-auth" .Release.Name) -}}
{{- end -}}
