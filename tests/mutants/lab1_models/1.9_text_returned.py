# exercise: 1.9
# file: report.py
# caught by: test_the_report_is_a_markdown_file_in_the_folder
# misconception: returns the text instead of writing it
# says: returns a Path


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    return "\n\n".join(sections)
