"""The checks of lab 2: one idea each. Samples and judgements are in `lab2_judges`."""

from __future__ import annotations

import pytest
from lab2_judges import (
    citizen_rules,
    compiled,
    image,
    image_rules,
    live_rules,
    operations,
    package_rules,
    page_answers,
    page_browser,
    page_looks,
    page_problems,
    page_static,
    predictions,
    problems,
    schemas,
    start_rules,
)

from labkit.checks import exercise

SCHEMAS = pytest.mark.parametrize("schema", ["House", "Flower", "Customer"])

# 2.1 schemas


@pytest.fixture(scope="module")
def schema_lab(new_lab):
    """The learner's schemas."""
    return new_lab("2.1")


@exercise("2.1")
@SCHEMAS
def test_every_row_of_the_data_is_accepted(schema_lab, rng, schema):
    """What stands in the data of the course is a valid request, the house with 33 bedrooms too."""
    schemas.judge_accepts(schema_lab, rng, schema)


@exercise("2.1")
@SCHEMAS
def test_what_cannot_be_is_refused(schema_lab, rng, schema):
    """A value that no house, flower or customer can have is refused, and its field is named."""
    schemas.judge_limits(schema_lab, rng, schema)


@exercise("2.1")
@SCHEMAS
def test_nan_and_infinity_are_refused(schema_lab, rng, schema):
    """NaN and infinity are refused."""
    schemas.judge_not_finite(schema_lab, rng, schema)


@exercise("2.1")
@SCHEMAS
def test_unknown_fields_are_refused(schema_lab, rng, schema):
    """A field that the schema does not have is refused: it may be a misspelt one."""
    schemas.judge_unknown_fields(schema_lab, rng, schema)


@exercise("2.1")
@SCHEMAS
def test_no_field_may_be_left_out(schema_lab, rng, schema):
    """Every field has to be given: no default describes a house."""
    schemas.judge_required(schema_lab, rng, schema)


@exercise("2.1")
@SCHEMAS
def test_types_are_kept(schema_lab, rng, schema):
    """Text and null are no numbers, and a fraction is no whole number."""
    schemas.judge_types(schema_lab, rng, schema)


@exercise("2.1")
@SCHEMAS
def test_fields_are_documented_with_unit_and_example(schema_lab, rng, schema):
    """Each field has a description, its unit and an example."""
    schemas.judge_documentation(schema_lab, rng, schema)


# 2.2 the models, and three endpoints


@pytest.fixture(scope="module")
def running(new_lab, module_rng):
    """The learner's service on models that were trained a moment ago."""
    return predictions.run(new_lab("2.2", listen=True), module_rng, ("house_price",))


@exercise("2.2")
def test_a_price_is_what_the_model_says(running, rng):
    """`POST /v1/house-price` answers with the price that the model gives, whatever the order of the fields."""
    predictions.judge_house_price(running, rng)


@exercise("2.2")
def test_a_price_has_its_likely_range(running, rng):
    """The answer gives the likely range from the metadata of the model."""
    predictions.judge_likely_range(running, rng)


@exercise("2.2")
def test_a_species_is_what_the_model_says(running, rng):
    """`POST /v1/iris` answers with the most probable species and all probabilities."""
    predictions.judge_iris(running, rng)


@exercise("2.2")
def test_a_segment_is_what_the_model_says(running, rng):
    """`POST /v1/customer-segment` answers with the segment and how many there are."""
    predictions.judge_segment(running, rng)


@exercise("2.2")
def test_a_frame_has_the_columns_of_the_model(lab, rng):
    """`as_frame` gives one row per request, with the columns of the model, named and in its order."""
    predictions.judge_frame(lab, rng)


@exercise("2.2")
def test_a_damaged_model_does_not_stop_the_others(listening, rng):
    """Where models cannot be loaded, for whatever reason, the others are loaded and answer."""
    predictions.judge_others_load(listening, rng)


@exercise("2.2")
def test_the_models_of_the_environment_get_ready(lab, rng):
    """The models of `MODELS` get ready, and no other; that of house prices not before its pricer is there."""
    predictions.judge_ready_last(lab, rng)


@exercise("2.2")
def test_many_houses_have_a_price_each(lab, rng):
    """`price_houses` gives each house its own price and likely range, in their order."""
    predictions.judge_together(lab, rng)


@exercise("2.2")
def test_each_answer_names_the_version_of_its_model(running):
    """Each answer carries the `model_version` of the model that gave it."""
    predictions.judge_versions(running)


@exercise("2.2")
def test_models_are_loaded_once_at_the_start(listening, rng):
    """Each model is loaded once, when the service starts, and not for each request."""
    predictions.judge_loaded_once(listening, rng)


@exercise("2.2")
def test_a_missing_model_is_trained(listening, rng):
    """A model without an artifact is trained first: the service can be started in an empty checkout."""
    predictions.judge_missing_is_trained(listening, rng)


@exercise("2.2")
def test_the_service_answers_while_models_load(listening, rng):
    """While models load the service answers already, with 503 for predictions."""
    predictions.judge_answers_while_loading(listening, rng)


# 2.3 batch


@pytest.fixture(scope="module")
def batching(new_lab, module_rng):
    """The learner's service, for batches."""
    return predictions.run(new_lab("2.3", listen=True), module_rng, ("house_price",))


@exercise("2.3")
def test_a_batch_is_priced_in_its_order(batching, rng):
    """Each house of a batch gets its own price, range and warnings, in the order of the request."""
    predictions.judge_batch(batching, rng)


@exercise("2.3")
def test_the_model_is_asked_once_for_a_batch(listening, rng):
    """The model is asked once for the whole batch, not once for each house."""
    predictions.judge_one_call(listening, rng)


@exercise("2.3")
@pytest.mark.parametrize("count", [0, 1, 1_000, 1_001])
def test_a_batch_holds_1_to_1000_houses(batching, rng, count):
    """1 to 1,000 houses are a batch; none and 1,001 are refused with 422."""
    predictions.judge_batch_limits(batching, rng, count)


@exercise("2.3")
def test_a_wrong_row_is_named(batching, rng):
    """One wrong row refuses the batch, and the answer names the row and the field."""
    predictions.judge_bad_row(batching, rng)


@exercise("2.3")
def test_a_batch_does_not_hold_up_others(listening, rng):
    """While a batch computes, other requests are answered."""
    operations.judge_free_loop_in_batch(listening, rng)


@exercise("2.3")
def test_a_compiled_batch_does_not_hold_up_others(lab, rng):
    """A compiled model prices a batch beside the event loop, too."""
    operations.judge_compiled_batch(lab, rng)


# 2.4 errors


@pytest.fixture(scope="module")
def failing(new_lab, module_rng):
    """The learner's service, to be sent what is wrong."""
    return predictions.run(new_lab("2.4", listen=True), module_rng, ("house_price",))


@exercise("2.4")
def test_wrong_fields_are_named(failing, rng):
    """A wrong request gets 422 as a problem document, with each wrong field and the reason."""
    problems.judge_wrong_fields(failing, rng)


@exercise("2.4")
def test_the_place_of_an_error_can_be_read(lab, rng):
    """`field_name` writes the place of an error as a person does: `houses[3].grade`."""
    problems.judge_field_name(lab, rng)


@exercise("2.4")
def test_a_bad_body_is_the_callers_mistake(failing, rng):
    """A body that is no request gets 4xx, never 500: no JSON, a list, NaN, bytes."""
    for what, body in problems.bad_bodies(rng).items():
        problems.judge_bad_body(failing, body, what)


@exercise("2.4")
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_over_1_mb_is_refused(failing, chunked):
    """A body over 1 MB gets 413, whether it says its length or not."""
    problems.judge_large_body(failing, chunked=chunked)


@exercise("2.4")
def test_a_body_that_does_not_end_is_refused(failing):
    """A body over 1 MB gets its 413 before it has ended."""
    problems.judge_endless_body(failing)


@exercise("2.4")
def test_unknown_paths_and_methods_are_problems_too(failing):
    """404 and 405 are problem documents, too, and keep their headers."""
    problems.judge_unknown_path(failing)


@exercise("2.4")
def test_an_unseen_zipcode_is_answered_with_a_warning(failing, rng):
    """A zipcode that was not in the training data is priced, and the answer warns of it."""
    problems.judge_unseen_zipcode(failing, rng)


@exercise("2.4")
def test_limit_and_warnings_are_not_typed_in(listening, rng):
    """`MAX_BODY` of the environment is the limit, and where a model names no zipcodes, there is no warning."""
    problems.judge_environment(listening, rng)


@exercise("2.4")
def test_a_damaged_model_is_503_and_the_others_go_on(listening, rng):
    """Where the file of a model is damaged, that model answers 503 and the others go on."""
    problems.judge_damaged_artifact(listening, rng)


@exercise("2.4")
def test_an_own_mistake_is_told_to_the_log_only(listening, rng):
    """Where the service itself fails, the caller gets 500 without a word of it, and the log says why."""
    problems.judge_own_fault(listening, rng)


@exercise("2.4")
def test_answers_are_as_the_documentation_says(failing, rng):
    """Generated requests: no status of 500 or more, and every answer as the OpenAPI document says."""
    problems.judge_schema(failing.service, rng, examples=12)


# 2.5 operations


@pytest.fixture(scope="module")
def operated(new_lab, module_rng):
    """The learner's service, to be operated."""
    return predictions.run(new_lab("2.5", listen=True), module_rng)


@exercise("2.5")
@pytest.mark.parametrize("slow", ["house_price", "iris"])
def test_alive_at_once_and_ready_with_every_model(listening, rng, slow):
    """`/livez` answers while models load, `/readyz` with 503 until every model is there; none asks a model."""
    operations.judge_alive_and_ready(listening, rng, slow)


@exercise("2.5")
def test_never_ready_with_a_damaged_model(new_lab, rng):
    """With a damaged model the service is alive and never ready."""
    operations.judge_never_ready(new_lab("2.5", listen=True), rng)
    operations.judge_alive_without_models(new_lab("2.5", listen=True), rng)


@exercise("2.5")
def test_models_are_listed(operated):
    """`/v1/models` lists every model with its status and what its metadata say."""
    operations.judge_models(operated)


@exercise("2.5")
def test_the_request_id_comes_back(operated, rng):
    """The caller's `X-Request-ID` comes back in every answer, errors too; without one the service makes one up."""
    operations.judge_request_id(operated, rng)


@exercise("2.5")
def test_an_odd_request_id_spoils_nothing(operated):
    """Whatever a caller sends as an id, headers stay short and log lines stay JSON."""
    operations.judge_odd_request_id(operated)


@exercise("2.5")
def test_each_request_is_one_line_in_the_log(listening, rng):
    """Each request is one line of JSON in the log: id, method, path, status and time."""
    operations.judge_log(listening, rng)


@exercise("2.5")
def test_a_slow_model_does_not_hold_up_others(listening, rng):
    """While a model computes, other requests are answered."""
    operations.judge_free_loop(listening, rng, ("house_price", "iris", "customer_segment"))


@exercise("2.5")
def test_requests_at_hand_are_finished_after_sigterm(listening, rng):
    """After SIGTERM the request at hand is answered, and then the process ends."""
    operations.judge_graceful_end(listening, rng)


# 2.6 compiled


@exercise("2.6")
def test_compiled_prices_are_the_estimators(lab, rng):
    """The compiled model gives the prices of the estimator, within a millionth."""
    compiled.judge_same(lab, rng)


@exercise("2.6")
def test_also_in_an_unseen_zipcode(lab, rng):
    """Also in a zipcode that was not in the training data."""
    compiled.judge_unseen(lab, rng)


@exercise("2.6")
def test_also_at_the_thresholds(lab, rng):
    """Also for values right at the thresholds of the trees, whatever the order of the fields."""
    compiled.judge_edges(lab, rng)


@exercise("2.6")
def test_alone_and_among_others(lab, rng):
    """A house has the same price alone and among others, and its row stays as it is."""
    compiled.judge_order(lab, rng)


@exercise("2.6")
def test_no_table_for_a_single_house(lab, rng):
    """An answer makes no table of pandas, and asks neither trees nor encoder of scikit-learn."""
    compiled.judge_no_frame(lab, rng)


@exercise("2.6")
@pytest.mark.parametrize("which", compiled.OTHERS)
def test_other_models_are_refused(lab, rng, which):
    """A model of another kind raises CannotCompile: no guess, no other numbers."""
    compiled.judge_refuses(lab, rng, which)


@exercise("2.6")
def test_what_cannot_be_compiled_is_asked_the_slow_way(lab, rng):
    """`make_pricer` falls back to the estimator, and says so in the log."""
    compiled.judge_falls_back(lab, rng)


@exercise("2.6")
def test_what_can_be_compiled_is(lab, rng):
    """`make_pricer` uses the compiled form where there is one."""
    compiled.judge_uses_compiled(lab, rng)


# 2.7 a page


@pytest.fixture(scope="module")
def page_text(submitted):
    """The page, read as a file."""
    return page_static.read(submitted)


@pytest.fixture(scope="module")
def on_page(new_lab, module_rng):
    """Judges the page that the learner's service sends: `on_page(judge, …)`. Skipped where there is no Chromium."""
    url = predictions.run(new_lab("2.7", listen=True), module_rng).service.url
    try:
        with page_browser.Browser(url) as browser:
            yield browser.judge
    except page_browser.NoBrowser as reason:
        pytest.skip(str(reason))


@exercise("2.7")
def test_the_page_says_its_language_and_fits_a_screen(page_text):
    """The page has a language and a title, and tells a phone how wide it is."""
    page_static.judge_head(page_text)


@exercise("2.7")
def test_the_page_needs_nothing_from_elsewhere(page_text, submitted):
    """Scripts, styles and fonts come from the service itself, and none of them stands inside the HTML."""
    page_static.judge_own_files(page_text, submitted)


@exercise("2.7")
def test_each_form_has_the_fields_of_its_schema(page_text):
    """Each form has every field of its schema, under its name and filled in already."""
    page_static.judge_fields(page_text)


@exercise("2.7")
def test_each_field_has_a_label(page_text):
    """Each field has a label that belongs to it."""
    page_static.judge_labels(page_text)


@exercise("2.7")
def test_each_form_has_a_button_and_places_for_answer_and_error(page_text):
    """Each form has a real button, and places that a screen reader reads out: for the answer and for errors."""
    page_static.judge_parts(page_text)


@exercise("2.7", needs=("chromium",))
def test_the_page_loads_without_an_error(on_page):
    """The page loads without an error in the console, and asks nobody else."""
    on_page(page_looks.judge_quiet)


@exercise("2.7", needs=("chromium",))
def test_the_documentation_opens_without_internet(on_page):
    """`/docs` shows the operations of the service, and asks nobody else."""
    on_page(page_looks.judge_documentation)


@exercise("2.7", needs=("chromium",))
def test_a_form_can_be_sent_as_it_is(on_page):
    """A form that nobody has touched gets an answer: its defaults are right, and numbers are sent as numbers."""
    on_page(page_answers.judge_defaults)


@exercise("2.7", needs=("chromium",))
def test_the_price_and_its_range_are_shown_in_dollars(on_page, rng):
    """The price and its likely range are shown in whole dollars, the English way: $468,200."""
    on_page(page_answers.judge_price, rng)


@exercise("2.7", needs=("chromium",))
@pytest.mark.parametrize("model", ["iris", "customer-segment"])
def test_the_other_models_answer_too(on_page, rng, model):
    """The forms of the iris and of the customer show what the service says."""
    on_page(page_answers.judge_other_model, model, rng)


@exercise("2.7", needs=("chromium",))
def test_a_warning_is_shown(on_page, rng):
    """A zipcode that the model has never seen gets its price and the warning of the service."""
    on_page(page_answers.judge_warning, rng)


@exercise("2.7", needs=("chromium",))
def test_an_answer_without_a_range_is_shown(on_page, rng):
    """An answer whose range is null is shown as a price alone."""
    on_page(page_answers.judge_no_range, rng)


@exercise("2.7", needs=("chromium",))
def test_text_of_the_service_stays_text(on_page, rng):
    """What the service says is shown as text: HTML in it is not run."""
    on_page(page_answers.judge_text, rng)


@exercise("2.7", needs=("chromium",))
def test_each_reason_stands_beside_its_field(on_page, rng):
    """The reason why a field is wrong stands beside it, belongs to it, and is gone when it is right again."""
    on_page(page_problems.judge_reasons, rng)


@exercise("2.7", needs=("chromium",))
def test_every_field_can_be_wrong(on_page, rng):
    """Each field of a form can be marked as wrong with its own reason, lists and boxes too."""
    on_page(page_problems.judge_every_field, rng)


@exercise("2.7", needs=("chromium",))
def test_the_first_wrong_field_gets_the_focus(on_page, rng):
    """The first wrong field gets the focus, also one that was folded away."""
    on_page(page_problems.judge_focus, rng)


@exercise("2.7", needs=("chromium",))
def test_other_errors_are_said_in_the_alert(on_page, rng):
    """An error that belongs to no field of the form is said in its alert."""
    on_page(page_problems.judge_other_errors, rng)


@exercise("2.7", needs=("chromium",))
def test_a_service_that_is_down_is_said(on_page, rng):
    """When the service is not ready or gone, the form says so, and no old price stands there."""
    on_page(page_problems.judge_service_down, rng)


@exercise("2.7", needs=("chromium",))
def test_the_keyboard_is_enough(on_page, rng):
    """Tab reaches every field and the button, Enter and Space send, and one sees where one is."""
    on_page(page_problems.judge_keyboard, rng)


@exercise("2.7", needs=("chromium",))
def test_the_page_fits_a_phone(on_page, rng):
    """On a screen of 390 pixels nothing sticks out, with answers and errors too."""
    on_page(page_looks.judge_phone, rng, width=page_looks.PHONE)


@exercise("2.7", needs=("chromium",))
def test_light_and_dark_can_be_read(on_page, rng):
    """The page is dark for who has set dark, and every text can be told from its background."""
    on_page(page_looks.judge_colours, rng)


# 2.8 an image


@pytest.fixture(scope="module")
def plan(request, submitted, module_rng):
    """The Dockerfile and the .dockerignore, read over a checkout with private files in it."""
    return image_rules.open_plan(submitted, request.config.rootpath, module_rng)


@pytest.fixture(scope="module")
def built(request, submitted, plan):
    """The image, built by the Docker engine of this machine; it is gone afterwards."""
    with image.built_image(request.config.rootpath, submitted, plan.checkout, plan.recipe.base) as built:
        yield built


@pytest.fixture(scope="module")
def an_image(built):
    """The image, where it could be built at all."""
    if built.problem:
        pytest.skip("there is no image: see the check that builds it")
    return built


@exercise("2.8")
def test_docker_can_read_both_files(submitted):
    """Docker can read the `Dockerfile` and the `.dockerignore`, and the linter finds no error."""
    image_rules.judge_readable(submitted)


@exercise("2.8")
def test_the_base_image_is_an_argument_and_pinned(plan):
    """The base image is an `ARG`, and each image has a full version or a digest."""
    image_rules.judge_base(plan)


@exercise("2.8")
def test_every_copy_finds_its_files(plan):
    """Every `COPY` finds its files from the top of the repository, and `.dockerignore` lets them through."""
    image_rules.judge_copies(plan)


@exercise("2.8")
def test_the_image_has_the_service_of_the_track(plan):
    """The service of `TRACK` and `mlops_lab` are in the image, whole, where Python finds them."""
    image_rules.judge_service_files(plan)


@exercise("2.8")
def test_no_secret_of_the_checkout_is_in_the_image(plan):
    """No secret, no `.git` and no record of progress gets from your checkout into a layer of the image."""
    image_rules.judge_unwanted(plan, ("secret", "history"))


@exercise("2.8")
def test_no_other_work_is_in_the_image(plan):
    """No lab that the service does not use, no test, notebook or old model gets into the image."""
    image_rules.judge_unwanted(plan, ("work",))


@exercise("2.8")
def test_no_secret_stands_in_the_dockerfile(plan):
    """No password, token or key stands in `ENV`, `ARG` or `LABEL`."""
    image_rules.judge_no_secret_values(plan)


@exercise("2.8")
def test_packages_come_from_the_lock(plan):
    """The packages in the image come from `requirements-serve.lock`, and nothing else is installed in it."""
    package_rules.judge_lock(plan)


@exercise("2.8")
def test_no_build_tool_is_in_the_image(plan):
    """The last stage has no pip, no compiler and no download tool."""
    package_rules.judge_no_build_tools(plan)


@exercise("2.8")
def test_models_are_trained_in_the_build(plan):
    """The models are trained while the image is built, and lie where the service looks for them."""
    citizen_rules.judge_models(plan)


@exercise("2.8")
def test_the_user_is_not_root(plan):
    """The container runs as a user that is there, is not root, and can read what it needs."""
    start_rules.judge_user(plan)


@exercise("2.8")
def test_the_server_gets_sigterm(plan):
    """The server is process 1, so that SIGTERM reaches it."""
    start_rules.judge_start(plan)


@exercise("2.8")
def test_the_server_can_be_called(plan):
    """uvicorn serves `create_app` on 0.0.0.0, port 8000, and makes nothing at its start."""
    start_rules.judge_server(plan)


@exercise("2.8")
def test_the_health_check_asks_the_service(plan):
    """HEALTHCHECK asks the service itself, with what the image has, and can fail."""
    citizen_rules.judge_health(plan)


@exercise("2.8")
def test_the_labels_say_what_it_is(plan):
    """The labels of the OCI say what the image is, and from which commit it was built."""
    citizen_rules.judge_labels(plan)


@exercise("2.8", needs=("docker",))
def test_the_image_is_built(built):
    """Docker builds the image from a fresh checkout."""
    live_rules.judge_built(built)


@exercise("2.8", needs=("docker",))
def test_the_image_is_small(an_image):
    """The image is at most 450 MB larger than its base."""
    live_rules.judge_size(an_image)


@exercise("2.8", needs=("docker",))
def test_nothing_unwanted_is_in_its_files(an_image):
    """The file system of the image has no secret, no tests, no pip and no compiler."""
    live_rules.judge_files(an_image)


@exercise("2.8", needs=("docker",))
def test_it_serves_without_rights(an_image):
    """With a read-only root file system, no rights and no network, the container becomes ready and predicts."""
    live_rules.judge_service(an_image)


@exercise("2.8", needs=("docker",))
def test_its_health_check_tells_the_truth(an_image):
    """The health check passes where the service is ready, and fails where it answers 503."""
    live_rules.judge_health(an_image)


@exercise("2.8", needs=("docker",))
def test_it_stops_when_asked(an_image):
    """SIGTERM ends the server within seconds."""
    live_rules.judge_stop(an_image)
