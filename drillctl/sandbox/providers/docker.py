"""Containers of this machine's Docker engine: no network, nothing of the host but the backup."""

from __future__ import annotations

from collections.abc import Callable

from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import Owner
from drillctl.sandbox.contract import Availability, Leftover, Order
from drillctl.sandbox.providers import docker_engine as engine
from drillctl.sandbox.providers import docker_image as images
from drillctl.sandbox.providers import docker_teardown as teardown
from drillctl.sandbox.providers.docker_container import build
from drillctl.sandbox.providers.docker_look import look_into, require_fit
from drillctl.sandbox.providers.docker_mounts import copied_bytes, shown_mounts
from drillctl.sandbox.providers.docker_place import labels_for, place_for
from drillctl.sandbox.providers.docker_sandbox import DockerSandbox


class DockerProvider:
    name = "docker"

    def look(self, order: Order) -> Availability:
        try:
            client = engine.connect(seconds=engine.LOOK_SECONDS)
            try:
                with engine.engine_trouble("say what it is"):
                    info = client.info()
                engine.require_fit(info)
                engine.require_room(info, order.disk_needed)
                if images.find_local(client, order) is None:
                    images.require_pullable(client, order)
            finally:
                client.close()
        except SandboxError as error:
            reason = f"{error.message} ({error.observed})" if error.observed else error.message
            return Availability(ok=False, reason=reason, mend=error.hint)
        return Availability(ok=True)

    def describe(self, order: Order) -> tuple[str, ...]:
        place = place_for(order)
        client = engine.connect(seconds=engine.LOOK_SECONDS)
        try:
            here = images.find_local(client, order)
        finally:
            client.close()
        image = here or f"{images.wanted(order) or images.official(order)}, which is pulled first"
        mounts = (
            f"{mount.host} {'writable' if mount.writable else 'read-only'}"
            for mount in order.mounts
        )
        return (
            f"volume {place.name}",
            f"folder {place.folder}",
            f"container {place.name} from {image}",
            "no network, no capabilities, no new privileges, read-only root, not root",
            f"at most {order.memory >> 20} MiB of memory, {order.cpus:g} cpus",
            f"ends by itself after {order.timeout.total_seconds():.0f}s",
            *mounts,
        )

    def create(self, order: Order, journal: Journal) -> DockerSandbox:
        client = engine.connect()
        try:
            with engine.engine_trouble("say what it is"):
                info = client.info()
            engine.require_fit(info)
            engine.require_room(info, order.disk_needed)
            reference = images.find_local(client, order) or images.pull(client, order, journal)
            place = place_for(order)
            image = look_into(
                client, reference, journal, f"{place.name}-look", labels_for(order, place)
            )
            require_fit(image, order)
            shown = shown_mounts(order.mounts, image.uid, image.gid)
            engine.require_room(info, order.disk_needed + copied_bytes(shown))
            built = build(client, order, image, shown, journal)
        except BaseException:
            client.close()
            raise
        return DockerSandbox(built, order, journal, client)

    def sweep(self, is_dead: Callable[[Owner], bool]) -> tuple[Leftover, ...]:
        if not engine.may_hold_ours():
            return ()
        client = engine.connect()
        try:
            return teardown.sweep(client, is_dead)
        finally:
            client.close()
