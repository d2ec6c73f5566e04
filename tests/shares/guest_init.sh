# Runs in a guest as its first program. Its root is this machine's, read-only; what is written in
# capitals was set by whoever sources this.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /mnt
mkdir -p /mnt/nas /dev/shm /run/tmp /run/local /run/uml/lib/modules
mount -t tmpfs tmpfs /dev/shm
export TMPDIR=/run/tmp HOME=/run

# Modules of this kernel lie where only this kernel looks for them.
ln -s "/usr/lib/uml/modules/$(uname -r)" /run/uml/lib/modules/
printf '#!/bin/sh\nexec modprobe -d /run/uml "$@"\n' > /run/modprobe
chmod +x /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
/run/modprobe -a $MODULES

# A disk of its own, which outlives a power cut; and a place to leave messages for the tests.
mount -t ext4 /dev/ubda /run/local
mount -t hostfs none "$STATE" -o "$STATE"

hostname "$NAME"
ip link set lo up
ip address add "$SHARE_ADDRESS/24" dev vec0 && ip link set vec0 up
ip address add "$HOUSE_ADDRESS/24" dev vec1 && ip link set vec1 up
exec "$PYTHON" "$AGENT" "$HOUSE_ADDRESS" "$PORT"
