/**
 * The systemd unit, also what the package carries (deploy/deb). Hardened as far as V8 allows: it makes machine code while
 * it runs, so MemoryDenyWriteExecute stays off. It is started again for ever: five failures in a row are no reason to leave a
 * PBX unheard. It needs the network, its state folder and nothing else of the machine.
 */
export const UNIT = `[Unit]
Description=Ringpost agent: tells the Ringpost server what happens on this Asterisk
After=network-online.target asterisk.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
WatchdogSec=60
ExecStart=/usr/bin/ringpost-agent run --config /etc/ringpost/agent.toml
User=ringpost
Group=ringpost
Restart=always
RestartSec=2
RestartPreventExitStatus=78
TimeoutStopSec=10
StateDirectory=ringpost
StateDirectoryMode=0700
UMask=0077
Nice=5
MemoryMax=256M
TasksMax=64
LimitNOFILE=1024
LimitCORE=0

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
LockPersonality=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
DevicePolicy=closed
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
