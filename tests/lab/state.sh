# The state of a lab: what is on its disks, its network, its containers, its database and its bucket.
# What comes and goes by itself is left out: what git keeps for itself, what is there once there was a drill.
cd /
folders="etc home opt root srv usr/local var/lib/psyfit-runbook var/spool var/www"
lasting() {
  find $folders ! -path '*/.git/index' ! -path '*/objects/*' \
    ! -path var/lib/psyfit-runbook/journal ! -path var/lib/psyfit-runbook/lock "$@"
}

lasting -printf '%p %y %m %U %G %l\n' | sort
lasting -type f -print0 | sort -z | xargs -0 sha256sum
find var/backups/psyfit var/log run/lock -printf '%p %y %m %U %G %l\n' | sort
find var/backups/psyfit -type f -printf '%p %s %T@\n' | sort
find var/log -name 'psyfit*' -printf '%p %s\n' | sort

sort proc/mounts
iptables-save | grep -v '^#' | sed 's/\[[0-9:]*\]//'
ip -o address | grep -v veth
ip route
ps -e -o etimes=,stat=,comm= | awk '$1 > 3 { print $2 ~ /^T/, $3 }' | sort | uniq -c

docker inspect --format '{{.Id}} {{.Name}} {{.RestartCount}} {{.State.Status}} {{.State.StartedAt}} {{.State.OOMKilled}}
{{with .State.Health}}{{.Status}}{{end}} {{json .HostConfig}} {{json .NetworkSettings}}' $(docker ps -aq)
docker images --all --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort
docker volume ls | sort
docker network ls --no-trunc | sort
for name in $(docker ps -a --format '{{.Names}}' | grep psyfit- | sort); do
  docker logs --tail 200 "$name" 2>&1 | grep -ciE 'error|fatal|exception|panic|killed'
done

docker exec kamal-proxy cat /home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state
docker exec psyfit-db sh -c 'pg_dump -U psyfit_prod psyfit_production' | grep -vE '^\\(un)?restrict ' | sha256sum
curl -s http://127.0.0.1:8900/moto-api/data.json | sha256sum
