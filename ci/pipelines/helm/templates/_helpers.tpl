{{/* The name of everything: that of the release. */}}
{{- define "harvester-preflight.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "harvester-preflight.labels" -}}
app.kubernetes.io/name: harvester-preflight
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "harvester-preflight.account" -}}
{{- .Values.serviceAccount.name | default (include "harvester-preflight.name" .) -}}
{{- end -}}

{{/* Without tag and digest: the program this chart was released with. */}}
{{- define "harvester-preflight.image" -}}
{{- $tag := .Values.image.tag -}}
{{- if not (or $tag .Values.image.digest) }}{{ $tag = .Chart.AppVersion }}{{ end -}}
{{- .Values.image.repository -}}
{{- with $tag }}:{{ . }}{{ end -}}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* Arguments of check: what both ways of running share. */}}
{{- define "harvester-preflight.shared-args" -}}
{{- if .Values.expectVersion }}
- --expect-version
{{- end }}
{{- if .Values.rbac.probeNodes }}
- --probe-nodes
{{- end }}
{{- end -}}

{{/* Spec of a Job. Call with a dict: root, args (a list). */}}
{{- define "harvester-preflight.job-spec" -}}
backoffLimit: 0
activeDeadlineSeconds: 300
template:
  metadata:
    labels:
      app.kubernetes.io/name: harvester-preflight
      app.kubernetes.io/instance: {{ .root.Release.Name }}
  spec:
    serviceAccountName: {{ include "harvester-preflight.account" .root }}
    restartPolicy: Never
    {{- with .root.Values.imagePullSecrets }}
    imagePullSecrets:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      runAsNonRoot: true
      runAsUser: 65532
      runAsGroup: 65532
      seccompProfile:
        type: RuntimeDefault
    containers:
      - name: check
        image: {{ include "harvester-preflight.image" .root }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        args:
          {{- toYaml .args | nindent 10 }}
          {{- with include "harvester-preflight.shared-args" .root }}
          {{- . | nindent 10 }}
          {{- end }}
        env:
          - name: HARVESTER_PREFLIGHT_CONFIG
            value: /config/.harvester-preflight.yaml
        terminationMessagePolicy: FallbackToLogsOnError
        {{- with .root.Values.resources }}
        resources:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop: [ALL]
        volumeMounts:
          - name: config
            mountPath: /config
            readOnly: true
    volumes:
      - name: config
        configMap:
          name: {{ include "harvester-preflight.name" .root }}
    {{- with .root.Values.nodeSelector }}
    nodeSelector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .root.Values.tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .root.Values.affinity }}
    affinity:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end -}}
