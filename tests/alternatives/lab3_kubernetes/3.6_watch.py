# exercise: 3.6
# file: rollout.py
# accepted: a watch that is begun anew, and a replace with the whole object in place of a patch
from kubernetes import watch


def set_image(apps, namespace, image, previous):
    for _ in range(20):
        deployment = apps.read_namespaced_deployment(NAME, namespace)
        container = next(one for one in deployment.spec.template.spec.containers if one.name == NAME)
        if container.image != previous:
            raise Superseded(f"the image is {container.image} now")
        container.image = image
        try:
            apps.replace_namespaced_deployment(NAME, namespace, deployment)
            return
        except client.exceptions.ConflictException:
            continue
    raise RuntimeError("too many changes at once")


def wait(apps, namespace, image, timeout):
    end = time.monotonic() + timeout
    only = f"metadata.name={NAME}"
    while (left := end - time.monotonic()) > 0:
        try:
            version = apps.list_namespaced_deployment(namespace, field_selector=only).metadata.resource_version
            for found in [apps.read_namespaced_deployment(NAME, namespace)]:
                if _over(found, image):
                    return
            stream = watch.Watch().stream(
                apps.list_namespaced_deployment,
                namespace,
                field_selector=only,
                resource_version=version,
                timeout_seconds=max(1, int(left)),
            )
            for event in stream:
                if _over(event["object"], image):
                    return
                if time.monotonic() > end:
                    break
        except (ApiException, HTTPError):
            time.sleep(0.5)
    raise RolloutFailed("the time is over")


def _over(deployment, image):
    if image_of(deployment) != image:
        raise Superseded("another image was set")
    return is_complete(deployment)
