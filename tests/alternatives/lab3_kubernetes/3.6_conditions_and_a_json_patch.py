# exercise: 3.6
# file: rollout.py
# accepted: the reason of the condition `Progressing` together with the generation, and a JSON patch that tests first
def is_complete(deployment):
    status = deployment.status
    if status.observed_generation != deployment.metadata.generation:
        return False
    reasons = {condition.type: condition.reason for condition in status.conditions or []}
    if reasons.get("Progressing") == "ProgressDeadlineExceeded":
        raise RolloutFailed("ProgressDeadlineExceeded: no progress")
    return reasons.get("Progressing") == "NewReplicaSetAvailable"


def set_image(apps, namespace, image, previous):
    while True:
        found = apps.read_namespaced_deployment(NAME, namespace)
        names = [one.name for one in found.spec.template.spec.containers]
        path = f"/spec/template/spec/containers/{names.index(NAME)}/image"
        try:
            apps.patch_namespaced_deployment(
                NAME,
                namespace,
                [{"op": "test", "path": path, "value": previous}, {"op": "replace", "path": path, "value": image}],
            )
            return
        except ApiException as error:
            if error.status == 422:
                raise Superseded("the image is another one") from None
            if error.status != 409:
                raise


def wait(apps, namespace, image, timeout):
    for _ in range(round(timeout)):
        try:
            found = apps.read_namespaced_deployment_status(NAME, namespace)
        except (ApiException, HTTPError) as error:
            if isinstance(error, ApiException) and error.status < 500:
                raise
        else:
            if image_of(found) != image:
                raise Superseded("the image is another one")
            if is_complete(found):
                return
        time.sleep(1)
    raise RolloutFailed("the time is over")
